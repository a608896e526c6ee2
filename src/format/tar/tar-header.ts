/** Writes tar headers for a bundle's members: regular files with fixed metadata, the same bytes on every host. */

import { encodePaxRecord, type PaxRecord } from './pax-records.ts';

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
  const extended = encodePaxHeader([['size', Buffer.from(String(size))]], `PaxHeaders/${name}`.slice(0, 100));
  return Buffer.concat([extended, header]);
}

/**
 * The header of an empty file (mode 0644) or a folder (0755) of root at any path, whose bytes these are, with mtime 0. A
 * path that does not fit a header block goes into a PAX extended header before it.
 */
export function encodeMetaHeader(kind: 'file' | 'directory', path: Uint8Array): Buffer {
  const fits = path.length <= 100 && path.every((byte) => byte > 0x20 && byte < 0x7f);
  const text = Buffer.from(path).toString('latin1');
  const name = fits ? text : text.replace(/[^\x21-\x7e]/g, '_').slice(0, 100);
  const block = encodeBlock(name, 0, kind === 'directory' ? '5' : '0');
  if (kind === 'directory') block.write('0000755\x00', 100, 'latin1');
  const extended = fits ? [] : [encodePaxHeader([['path', Buffer.from(path)]])];
  return Buffer.concat([...extended, sealHeader(block)]);
}

/** An extended header of `records` for the member that follows it, as a member called `name`. */
export function encodePaxHeader(records: readonly PaxRecord[], name = 'PaxHeaders/0'): Buffer {
  const content = Buffer.concat(records.map(encodePaxRecord));
  return Buffer.concat([
    encodeBlock(name, content.length, 'x'),
    content,
    Buffer.alloc(tarPadding(content.length)),
  ]);
}

/** `block`, a header block that was changed, with its checksum made right. */
export function sealHeader(block: Buffer): Buffer {
  block.write('        ', 148, 'latin1'); // the checksum counts itself as spaces
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\x00 `, 148, 'latin1');
  return block;
}

/** One ustar header block (POSIX.1-2017, pax, "ustar Interchange Format"). */
function encodeBlock(name: string, size: number, typeflag: string): Buffer {
  const block = Buffer.alloc(tarBlockSize);
  block.write(name, 0, 'latin1');
  block.write('0000644\x000000000\x000000000\x00', 100, 'latin1'); // mode, uid, gid
  if (size <= largestOctalSize) block.write(size.toString(8).padStart(11, '0'), 124, 'latin1');
  else writeBase256(block, size);
  block.write('00000000000\x00', 136, 'latin1'); // mtime
  block.write(typeflag, 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.write('0000000\x000000000\x00', 329, 'latin1'); // device numbers
  return sealHeader(block);
}

/** GNU tar's form for sizes from 8 GiB on: the top bit set, then the size as a big-endian number. */
function writeBase256(block: Buffer, size: number): void {
  block.writeUInt8(0x80, 124);
  block.writeBigUInt64BE(BigInt(size), 128);
}
