/** Writes tar headers for a bundle's members: regular files with fixed metadata, the same bytes on every host. */

/** A tar is made of blocks of this many bytes. */
export const tarBlockSize = 512;

/** Two zero blocks: the end of an archive (POSIX.1-2017, pax, "ustar Interchange Format"). */
export const tarEnd: Uint8Array = new Uint8Array(2 * tarBlockSize);

/** The largest size that eleven octal digits hold: 8 GiB - 1. */
const largestOctalSize = 0o77777777777;

/** Bytes from the end of content of `size` bytes to the next block. */
export function tarPadding(size: number): number {
  return (tarBlockSize - (size % tarBlockSize)) % tarBlockSize;
}

/**
 * The header of a regular file: mode 0644, root, mtime 0, no names of user or group. From 8 GiB on, a PAX extended
 * header with the size comes before it, and the size field is base-256 for readers that know GNU tar only.
 * `name` must be 1 to 100 bytes of ASCII, `size` a safe integer; throws RangeError otherwise.
 */
export function encodeTarHeader({
  name,
  size,
}: {
  readonly name: string;
  readonly size: number;
}): Uint8Array {
  if (!/^[\x21-\x7e]{1,100}$/.test(name)) throw new RangeError(`"${name}" does not fit a tar header`);
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`${size} is not a size`);
  const header = encodeBlock(name, size, '0');
  if (size <= largestOctalSize) return header;
  const record = Buffer.from(encodePaxRecord('size', String(size)));
  const extended = encodeBlock(`PaxHeaders/${name}`.slice(0, 100), record.length, 'x');
  return Buffer.concat([extended, record, Buffer.alloc(tarPadding(record.length)), header]);
}

/** One ustar header block (POSIX.1-2017, pax, "ustar Interchange Format"). */
function encodeBlock(name: string, size: number, typeflag: string): Buffer {
  const block = Buffer.alloc(tarBlockSize);
  block.write(name, 0, 'latin1');
  block.write('0000644\x000000000\x000000000\x00', 100, 'latin1'); // mode, uid, gid
  if (size <= largestOctalSize) block.write(size.toString(8).padStart(11, '0'), 124, 'latin1');
  else writeBase256(block, size);
  block.write('00000000000\x00', 136, 'latin1'); // mtime
  block.write('        ', 148, 'latin1'); // the checksum counts itself as spaces
  block.write(typeflag, 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.write('0000000\x000000000\x00', 329, 'latin1'); // device numbers
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\x00 `, 148, 'latin1');
  return block;
}

/** GNU tar's form for sizes from 8 GiB on: the top bit set, then the size as a big-endian number. */
function writeBase256(block: Buffer, size: number): void {
  block.writeUInt8(0x80, 124);
  block.writeBigUInt64BE(BigInt(size), 128);
}

/** One record of a PAX extended header: its length in bytes, which counts its own digits, then `key=value`. */
function encodePaxRecord(key: string, value: string): string {
  const body = ` ${key}=${value}\n`;
  let length = body.length;
  while (`${length}${body}`.length !== length) length = `${length}${body}`.length;
  return `${length}${body}`;
}
