/** Looks at one 512-byte block as a tar header and takes nothing amiss: for those who cut layers, not for those who read them. */
import { readHeaderPath, readTarNumber } from './tar-field.ts';
import { tarBlockSize } from './tar-header.ts';

export interface ScannedHeader {
  /** One character; a block of zeros has NUL, as headers of files may. */
  readonly type: string;
  /** Whether it is a link, a device, a folder or a fifo, which no content follows. */
  readonly isHeaderOnly: boolean;
  /** Bytes of content that follow, without padding: what the header says, whether or not they are there. */
  readonly contentSize: number;
  /** The path of the header itself, byte by byte (latin1); of a name that is longer than it holds, the start. */
  readonly path: string;
  /** FNV-1a of path and size alone: what stays as it is when times, modes and owners change. */
  readonly nameHash: number;
}

const [sizeStart, sizeEnd] = [124, 136];
/** Where the checksum is. */
export const [sumStart, sumEnd] = [148, 156];
const typePosition = 156;
/** Links, devices, folders and fifos. */
const headerOnlyTypes = '123456';

/**
 * The header in `block`, which must have 512 bytes (POSIX.1-2017, pax, "ustar Interchange Format"), its numbers as
 * readTarNumber has them. A block of zeros is a header without name and content. undefined where the checksum or the
 * size is wrong. PAX and GNU long-name headers are members like others here. Links, devices, folders and fifos have no
 * content, whatever they say (Go archive/tar, "isHeaderOnlyType"): with `asEngines`, also where that is less than nothing,
 * at which layers are not cut.
 */
export function scanTarHeader(block: Uint8Array, asEngines = false): ScannedHeader | undefined {
  const { unsigned, signed } = sumHeader(block);
  if (unsigned === emptySum) return endOfArchive;
  const sum = readTarNumber(block, sumStart, sumEnd);
  if (sum === undefined || sum <= 0 || (sum !== unsigned && sum !== signed)) return undefined;
  const size = readTarNumber(block, sizeStart, sizeEnd);
  const type = String.fromCharCode(block[typePosition] ?? 0);
  const isHeaderOnly = headerOnlyTypes.includes(type);
  if (size === undefined || (size < 0 && !(isHeaderOnly && asEngines))) return undefined;
  const path = readHeaderPath(block).toString('latin1');
  return { type, isHeaderOnly, contentSize: isHeaderOnly ? 0 : size, path, nameHash: hashName(path, size) };
}

/** The checksum counts itself as eight spaces. */
const emptySum = 8 * 0x20;
const endOfArchive: ScannedHeader = {
  type: '\0',
  isHeaderOnly: true,
  contentSize: 0,
  path: '',
  nameHash: 0xffffffff,
};

/** Both sums that writers have made of a header: old ones took bytes as signed. */
function sumHeader(bytes: Uint8Array): { readonly unsigned: number; readonly signed: number } {
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
