/** One member of a layer's tar with all of its metadata, decoded from its header and the PAX and GNU headers before it. */
import { decodeLayerText } from './layer-text.ts';
import { scanTarHeader } from './scan-tar-header.ts';
import { findText, readTarNumber } from './tar-field.ts';

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
  /** Seconds since 1970, with the fraction that PAX gives. */
  readonly mtime: number;
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

/** Four pieces of a map, whether more of it follows, and the size of the whole file (GNU tar manual, "Basic Tar Format"). */
const [sparseMapStart, sparseMapEnd] = [386, 495];

const noBytes = Buffer.alloc(0);

const xattrPrefix = 'SCHILY.xattr.';

/** Size of the content behind a header block, as the extension and the block have it; undefined where there is no header. */
export function findContentSize(block: Uint8Array, records: ReadonlyMap<string, Buffer>): number | undefined {
  const header = scanTarHeader(block);
  if (header === undefined) return undefined;
  const isHeaderOnly = '123456'.includes(findText(block, 156, 157).toString('latin1') || '0');
  const said = records.get('size');
  if (said === undefined || isHeaderOnly) return header.contentSize;
  const size = Number(said.toString('latin1'));
  return Number.isSafeInteger(size) && size >= 0 ? size : undefined;
}

/**
 * The member that `block`, which must be a header, and `extension` make. undefined where its kind is unknown, or its
 * path cannot be one: nobody could unpack it.
 */
export function decodeLayerMember(
  block: Uint8Array,
  { records, ...long }: HeaderExtension,
  place: Pick<LayerMember, 'headerPosition' | 'contentPosition' | 'size'>,
): LayerMember | undefined {
  const name = long.path ?? records.get('GNU.sparse.name') ?? records.get('path');
  const rawPath = decodeLayerText(name ?? headerPath(block));
  const type = String.fromCharCode(block[156] ?? 0);
  const isFolderName = rawPath.endsWith('/') && kinds[type] === 'file';
  const kind = isFolderName ? 'directory' : kinds[type];
  const path = cleanLayerPath(rawPath);
  if (kind === undefined || path === undefined) return undefined;
  const link = decodeLayerText(long.target ?? records.get('linkpath') ?? findText(block, 157, 257));
  const target = kind === 'hardlink' ? cleanLayerPath(link) : link;
  if (kind === 'hardlink' && target === undefined) return undefined;
  return {
    kind,
    path,
    mode: (readTarNumber(block, 100, 108) ?? 0) & 0o7777,
    uid: numberOf(records.get('uid')) ?? readTarNumber(block, 108, 116) ?? 0,
    gid: numberOf(records.get('gid')) ?? readTarNumber(block, 116, 124) ?? 0,
    mtime: numberOf(records.get('mtime')) ?? readTarNumber(block, 136, 148) ?? 0,
    ...((kind === 'symlink' || kind === 'hardlink') && target !== undefined && { target }),
    ...(kind.endsWith('-device') && {
      device: `${readTarNumber(block, 329, 337) ?? 0}:${readTarNumber(block, 337, 345) ?? 0}`,
    }),
    xattrs: findXattrs(records),
    ...findSparseMap(type, block, records, long.sparseBlocks),
    ...place,
    size: kind === 'file' ? place.size : 0,
  };
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

function headerPath(block: Uint8Array): Buffer {
  const name = findText(block, 0, 100);
  const isUstar = Buffer.from(block.subarray(257, 263)).toString('latin1') === 'ustar\0';
  const prefix = isUstar ? findText(block, 345, 500) : Buffer.alloc(0);
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]);
}

function numberOf(text: Buffer | undefined): number | undefined {
  const value = text === undefined || text.length === 0 ? NaN : Number(text.toString('latin1'));
  return Number.isFinite(value) ? value : undefined;
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
