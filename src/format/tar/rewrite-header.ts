/** A member's headers as a layer has them, with another name, metadata, or as a link: all else in them stays to the byte. */
import { appendAll } from '../../ground/long-lists.ts';
import type { LayerMember } from './layer-member.ts';
import { encodeLayerText } from './layer-text.ts';
import { listPaxRecords, type PaxRecord, xattrPrefix } from './pax-records.ts';
import { findPrefix, findText, readTarNumber } from './tar-field.ts';
import { encodePaxHeader, sealHeader, tarBlockSize, tarPadding } from './tar-header.ts';

export interface HeaderChange {
  /** The path that the member gets; what it has where left out. */
  readonly path?: string;
  /** Makes it a hardlink to this path, without content. */
  readonly link?: string;
  /** Mode, owner, time and xattrs; what it has where left out. */
  readonly metadata?:
    Pick<LayerMember, 'mode' | 'uid' | 'gid' | 'mtime' | 'exactMtime' | 'xattrs'> | undefined;
}

/** What stands in a member's headers: PAX records, the header block, and the sparse blocks of old GNU tars behind it. */
interface SplitHeader {
  readonly records: PaxRecord[];
  readonly block: Buffer;
  readonly tail: Buffer;
}

const ofName = ['path', 'linkpath'];
const ofContent = /^(size$|GNU\.sparse\.)/;
const ofMetadata = /^(uid|gid|[acm]time)$/;
const largestName = 100;

/**
 * `raw`, all of a member's headers from the first extended one to the start of its content, changed. Sparse maps, sizes,
 * and whatever is not to be changed stay as they are written there. Throws RangeError where `raw` is no whole header.
 */
export function rewriteHeader(raw: Uint8Array, { path, link, metadata }: HeaderChange): Buffer {
  const { records, block, tail } = splitHeader(raw);
  const changed = Buffer.from(block);
  const kept = records.filter(
    ([key]) =>
      !(key === 'path' && path !== undefined) &&
      !(ofName[1] === key && link !== undefined) &&
      !(metadata !== undefined && (ofMetadata.test(key) || key.startsWith(xattrPrefix))),
  );
  const made: PaxRecord[] = [];
  if (path !== undefined) {
    clearPrefix(changed);
    appendAll(made, writeName(changed, 0, 'path', path));
    const sparseName = kept.findIndex(([key]) => key === 'GNU.sparse.name');
    if (sparseName >= 0) kept[sparseName] = ['GNU.sparse.name', encodeLayerText(path)];
  }
  if (link !== undefined) {
    changed.write('1', 156, 'latin1');
    changed.write('00000000000\x00', 124, 'latin1');
    appendAll(made, writeName(changed, 157, 'linkpath', link));
  }
  if (metadata !== undefined) appendAll(made, writeMetadata(changed, metadata));
  const all = [...kept.filter(([key]) => link === undefined || !ofContent.test(key)), ...made];
  return Buffer.concat([
    ...(all.length === 0 ? [] : [encodePaxHeader(all)]),
    sealHeader(changed),
    ...(link === undefined ? [tail] : []),
  ]);
}

/** What a name field cannot hold goes into a record; the field has the start of it. */
function writeName(block: Buffer, start: number, key: string, text: string): PaxRecord[] {
  const bytes = encodeLayerText(text);
  block.fill(0, start, start + largestName);
  const fits = bytes.length <= largestName && bytes.every((byte) => byte < 0x80);
  block.set(fits ? bytes : Buffer.from(text.replace(/[^\x21-\x7e]/g, '_').slice(0, largestName)), start);
  return fits ? [] : [[key, bytes]];
}

/** Mode, owner and time go into their fields, as far as octal digits hold them; the rest into records. */
function writeMetadata(block: Buffer, metadata: NonNullable<HeaderChange['metadata']>): PaxRecord[] {
  const { mode, uid, gid, mtime, exactMtime, xattrs } = metadata;
  writeNumber(block, 100, 108, mode);
  const records: PaxRecord[] = [];
  for (const [key, start, end, number] of [
    ['uid', 108, 116, uid],
    ['gid', 116, 124, gid],
    ['mtime', 136, 148, mtime],
  ] as const) {
    const exact = key === 'mtime' ? exactMtime : undefined;
    const fits = writeNumber(block, start, end, number);
    if (!fits || exact !== undefined) records.push([key, Buffer.from(exact ?? String(number))]);
  }
  for (const [key, value] of xattrs) records.push([`${xattrPrefix}${key}`, Buffer.from(value, 'latin1')]);
  return records;
}

/** Octal digits and a NUL; zeros, and false, for what they do not hold. */
function writeNumber(block: Buffer, start: number, end: number, number: number): boolean {
  const width = end - start - 1;
  const whole = Math.trunc(number);
  const fits = whole >= 0 && whole < 8 ** width;
  block.write(`${(fits ? whole : 0).toString(8).padStart(width, '0')}\0`, start, 'latin1');
  return fits;
}

/** The prefix of a ustar name; GNU headers have times and sparse maps there. */
function clearPrefix(block: Buffer): void {
  if (findPrefix(block).length > 0) block.fill(0, 345, 500);
}

function splitHeader(raw: Uint8Array): SplitHeader {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  let records: PaxRecord[] = [];
  const long: PaxRecord[] = [];
  for (let start = 0; start + tarBlockSize <= bytes.length;) {
    const block = bytes.subarray(start, start + tarBlockSize);
    const type = String.fromCharCode(block[156] ?? 0);
    start += tarBlockSize;
    if (!'xgLK'.includes(type)) {
      const keys = long.map(([key]) => key);
      return {
        records: [...records.filter(([key]) => !keys.includes(key)), ...long],
        block,
        tail: bytes.subarray(start),
      };
    }
    const size = readTarNumber(block, 124, 136) ?? 0;
    const content = bytes.subarray(start, start + size);
    start += size + tarPadding(size);
    if (type === 'x') records = listPaxRecords(content) ?? [];
    else if (type !== 'g') {
      const name = findText(content, 0, content.length);
      if (name.length > 0) long.push([ofName[type === 'L' ? 0 : 1] ?? '', name]);
    }
  }
  throw new RangeError('There is no header in these bytes');
}
