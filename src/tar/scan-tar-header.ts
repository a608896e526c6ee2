/** Looks at one 512-byte block as a tar header and takes nothing amiss: for those who cut layers, not for those who read them. */
import { tarBlockSize } from './tar-header.ts';

export interface ScannedHeader {
  /** Bytes of content that follow, without padding: what the header says, whether or not they are there. */
  readonly contentSize: number;
  /** The path of the header itself, byte by byte (latin1); of a name that is longer than it holds, the start. */
  readonly path: string;
  /** FNV-1a of path and size alone: what stays as it is when times, modes and owners change. */
  readonly nameHash: number;
}

const [nameStart, nameEnd] = [0, 100];
const [sizeStart, sizeEnd] = [124, 136];
const [sumStart, sumEnd] = [148, 156];
const typePosition = 156;
const magicStart = 257;
const [prefixStart, prefixEnd] = [345, 500];

/**
 * The header in `block`, which must have 512 bytes (POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar's base-256
 * sizes too). A block of zeros is a header without name and content. undefined where the checksum or the size is wrong.
 * PAX and GNU long-name headers are members like others here. Links, devices, folders and fifos have no content,
 * whatever they say (Go archive/tar, "isHeaderOnlyType").
 */
export function scanTarHeader(block: Uint8Array): ScannedHeader | undefined {
  const bytes = Buffer.from(block.buffer, block.byteOffset, tarBlockSize);
  const { unsigned, signed } = sumHeader(bytes);
  if (unsigned === emptySum) return endOfArchive;
  const sum = readOctal(bytes, sumStart, sumEnd);
  if (sum !== unsigned && sum !== signed) return undefined;
  const size = readSize(bytes);
  if (size === undefined) return undefined;
  const name = readText(bytes, nameStart, nameEnd);
  const hasPrefix = bytes.toString('latin1', magicStart, magicStart + 6) === 'ustar\0';
  const prefix = hasPrefix ? readText(bytes, prefixStart, prefixEnd) : '';
  const path = prefix === '' ? name : `${prefix}/${name}`;
  return { contentSize: isHeaderOnly(bytes) ? 0 : size, path, nameHash: hashName(path, size) };
}

/** The checksum counts itself as eight spaces. */
const emptySum = 8 * 0x20;
const endOfArchive: ScannedHeader = { contentSize: 0, path: '', nameHash: 0xffffffff };

/** Both sums that writers have made of a header: old ones took bytes as signed. */
function sumHeader(bytes: Buffer): { readonly unsigned: number; readonly signed: number } {
  let unsigned = emptySum;
  let highCount = 0;
  for (let position = 0; position < tarBlockSize; position += 1) {
    if (position >= sumStart && position < sumEnd) continue;
    const byte = bytes[position] ?? 0;
    unsigned += byte;
    if (byte > 127) highCount += 1;
  }
  return { unsigned, signed: unsigned - 256 * highCount };
}

/** Links, devices, folders and fifos: the types 1 to 6. */
function isHeaderOnly(bytes: Buffer): boolean {
  const type = bytes[typePosition] ?? 0;
  return type >= 0x31 && type <= 0x36;
}

function readSize(bytes: Buffer): number | undefined {
  if (bytes[sizeStart] !== 0x80) return readOctal(bytes, sizeStart, sizeEnd);
  const size = bytes.readBigUInt64BE(sizeEnd - 8);
  const isSafe = bytes.readUInt32BE(sizeStart) === 0x80000000 && size < BigInt(Number.MAX_SAFE_INTEGER);
  return isSafe ? Number(size) : undefined;
}

function readOctal(bytes: Buffer, start: number, end: number): number | undefined {
  const text = readText(bytes, start, end).trim();
  return /^[0-7]+$/.test(text) ? parseInt(text, 8) : undefined;
}

function readText(bytes: Buffer, start: number, end: number): string {
  const stop = bytes.indexOf(0, start);
  return bytes.toString('latin1', start, stop < 0 ? end : Math.min(stop, end));
}

/** FNV-1a, 32 bits (draft-eastlake-fnv), of the path's bytes and then of the size in decimal. */
function hashName(path: string, size: number): number {
  const text = `${path}\n${size}`;
  let hash = 0x811c9dc5;
  for (let position = 0; position < text.length; position += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(position), 0x01000193);
  }
  return mix(hash);
}

/** Spreads the last bytes over all bits, the highest too (the finaliser of MurmurHash3); an unsigned 32-bit number. */
function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
