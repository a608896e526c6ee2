/** One member of a layer's tar with all of its metadata, decoded from its header and the PAX and GNU headers before it. */
import { decodeLayerText } from './layer-text.ts';
import { parsePaxNumber, parsePaxTime, xattrPrefix } from './pax-records.ts';
import { scanTarHeader } from './scan-tar-header.ts';
import { findText, readHeaderPath, readTarNumber } from './tar-field.ts';
import { readWideNumber } from './tar-start.ts';

export type LayerMemberKind =
  'file' | 'directory' | 'symlink' | 'hardlink' | 'character-device' | 'block-device' | 'fifo';

/** What a layer says of one path. */
export interface LayerMember {
  readonly kind: LayerMemberKind;
  /** Below the root, without slashes at its ends: `etc/passwd`; empty for the root itself. */
  readonly path: string;
  /** The permission bits with set-uid, set-gid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, with the fraction that PAX gives as far as a number holds it. */
  readonly mtime: number;
  /** The same as text, to the nanosecond, where it has a fraction; and where no number holds it. */
  readonly exactMtime?: string;
  /** Bytes of content; 0 for everything but files. */
  readonly size: number;
  /** Where a symlink points, as it stands there; for a hardlink, the path of the member it is another name of. */
  readonly target?: string;
  /** Of a device: `8:1`. */
  readonly device?: string;
  /** By name (`security.capability`), values byte by byte (latin1). */
  readonly xattrs: ReadonlyMap<string, string>;
  /** Of a sparse file: which parts of it the content stands for, in a form to be compared only. */
  readonly sparseMap?: string;
  /** Where its first header block lies in the layer, extended headers included: a copy of it starts there. */
  readonly headerPosition: number;
  /** Where its content lies in the layer. */
  readonly contentPosition: number;
}

/** What extended headers said of the member that follows them. */
export interface HeaderExtension {
  readonly path?: Buffer;
  readonly target?: Buffer;
  readonly records: ReadonlyMap<string, Buffer>;
  /** The blocks with the rest of a sparse map that does not fit the header of an old GNU tar. */
  readonly sparseBlocks?: Buffer;
}

const kinds: Readonly<Record<string, LayerMemberKind>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
};

/** Types that every engine refuses ("unhandled tar header type"), though tar unpacks them: contiguous files, old sparse ones. */
export const refusedTypes = '7S';

/** Whether engines take members of this type. */
export function isTakenType(type: string): boolean {
  return type in kinds && !refusedTypes.includes(type);
}

/** What a header of this type and a path makes. undefined for types that are none. */
export function findMemberKind(type: string, path: string): LayerMemberKind | undefined {
  return type === '\0' && path.endsWith('/') ? 'directory' : kinds[type];
}

/** Four pieces of a map, whether more of it follows, and the size of the whole file (GNU tar manual, "Basic Tar Format"). */
const [sparseMapStart, sparseMapEnd] = [386, 495];

const noBytes = Buffer.alloc(0);

const numberFields: readonly (readonly [start: number, end: number])[] = [
  [100, 108], // mode
  [108, 116], // uid
  [116, 124], // gid
  [136, 148], // mtime
];
const deviceFields: typeof numberFields = [
  [329, 337],
  [337, 345],
];

/**
 * Size of the content behind a header block, as the extension and the block have it; undefined where there is no header, or
 * one with a number that is none.
 */
export function findContentSize(block: Uint8Array, records: ReadonlyMap<string, Buffer>): number | undefined {
  const header = scanTarHeader(block, true);
  const fields = hasDevices(block) ? [...numberFields, ...deviceFields] : numberFields;
  const isReadable = fields.every(([start, end]) => readTarNumber(block, start, end) !== undefined);
  if (header === undefined || !isReadable) return undefined;
  const said = records.get('size');
  return said === undefined || header.isHeaderOnly ? header.contentSize : parsePaxNumber(said);
}

/**
 * The member that `block`, which must be a header, and `extension` make. `nameless` for one that is no folder and has the
 * root's name, or none: engines pass over it. `unknown` where its kind is unknown, or its path cannot be one: nobody
 * could unpack it.
 */
export function decodeLayerMember(
  block: Uint8Array,
  { records, ...long }: HeaderExtension,
  place: Pick<LayerMember, 'headerPosition' | 'contentPosition' | 'size'>,
): LayerMember | 'nameless' | 'unknown' {
  const name = records.get('GNU.sparse.name') ?? long.path ?? records.get('path');
  const rawPath = decodeLayerText(name ?? readHeaderPath(block));
  const type = String.fromCharCode(block[156] ?? 0);
  const kind = findMemberKind(type, rawPath);
  const path = cleanLayerPath(rawPath);
  if (kind === undefined || path === undefined) return 'unknown';
  if (kind !== 'directory' && path === '' && !/^\/|(^|\/)\.\.(\/|$)/.test(rawPath)) return 'nameless';
  const link = decodeLayerText(long.target ?? records.get('linkpath') ?? findText(block, 157, 257));
  const target = kind === 'hardlink' ? cleanLayerPath(link) : link;
  if (kind === 'hardlink' && target === undefined) return 'unknown';
  const time = parsePaxTime(records.get('mtime')) ?? readTime(block);
  return {
    kind,
    path,
    mode: (readTarNumber(block, 100, 108) ?? 0) & 0o7777,
    uid: parsePaxNumber(records.get('uid')) ?? readOwner(block, 108, 116),
    gid: parsePaxNumber(records.get('gid')) ?? readOwner(block, 116, 124),
    mtime: time.seconds,
    exactMtime: time.exact,
    target: kind === 'symlink' || kind === 'hardlink' ? target : undefined,
    device: kind.endsWith('-device') ? readDevice(block) : undefined,
    xattrs: findXattrs(records),
    ...findSparseMap(type, block, records, long.sparseBlocks),
    ...place,
    size: kind === 'file' ? place.size : 0,
  };
}

function readTime(block: Uint8Array): { readonly seconds: number; readonly exact?: string } {
  const seconds = readTarNumber(block, 136, 148);
  if (seconds !== undefined) return { seconds };
  const wide = readWideNumber(Buffer.from(block), [136, 148]) ?? 0n;
  return { seconds: Number(wide), exact: String(wide) };
}

/** The kernel takes 32 bits of it, and engines do not ask for more. */
function readOwner(block: Uint8Array, start: number, end: number): number {
  const wide = (): bigint => readWideNumber(Buffer.from(block), [start, end]) ?? 0n;
  return readTarNumber(block, start, end) ?? Number(BigInt.asUintN(32, wide()));
}

/** A header of version 7 has no numbers of devices. */
function hasDevices(block: Uint8Array): boolean {
  return ['ustar\0', 'ustar '].includes(Buffer.from(block.subarray(257, 263)).toString('latin1'));
}

function readDevice(block: Uint8Array): string {
  const numbers = deviceFields.map(([start, end]) => readTarNumber(block, start, end) ?? 0);
  return hasDevices(block) ? numbers.join(':') : '0:0';
}

/**
 * `./a//b/` as `a/b`, `/` and `./` as the empty path, `../x/../a` as `a`: engines stay below the root. undefined where it
 * has a NUL byte.
 */
function cleanLayerPath(path: string): string | undefined {
  if (path.includes('\0')) return undefined;
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return names.join('/');
}

const noXattrs: ReadonlyMap<string, string> = new Map();

function findXattrs(records: ReadonlyMap<string, Buffer>): ReadonlyMap<string, string> {
  const found = [...records].filter(([key]) => key.startsWith(xattrPrefix));
  if (found.length === 0) return noXattrs;
  return new Map(found.map(([key, value]) => [key.slice(xattrPrefix.length), value.toString('latin1')]));
}

/** The map in the header of an old GNU tar, or in the records of a newer one (GNU tar manual, "Sparse Formats"). */
function findSparseMap(
  type: string,
  block: Uint8Array,
  records: ReadonlyMap<string, Buffer>,
  sparseBlocks: Buffer | undefined,
): Pick<LayerMember, 'sparseMap'> {
  if (type === 'S') {
    return {
      sparseMap: Buffer.concat([
        block.subarray(sparseMapStart, sparseMapEnd),
        sparseBlocks ?? noBytes,
      ]).toString('latin1'),
    };
  }
  const own = [...records].filter(([key]) => key.startsWith('GNU.sparse.') && key !== 'GNU.sparse.name');
  if (own.length === 0) return {};
  return { sparseMap: own.map(([key, value]) => `${key}=${value.toString('latin1')}`).join('\n') };
}
