/** A member's headers as a layer has them, with another name or as a link: all else in them stays to the byte. */
import { appendAll } from '../long-lists.ts';
import { encodeLayerText } from './layer-text.ts';
import { listPaxRecords, type PaxRecord } from './pax-records.ts';
import { findText, readTarNumber } from './tar-field.ts';
import { encodePaxHeader, sealHeader, tarBlockSize, tarPadding } from './tar-header.ts';

export interface HeaderChange {
  /** The path that the member gets; what it has where left out. */
  readonly path?: string;
  /** Makes it a hardlink to this path, without content. */
  readonly link?: string;
}

/** What stands in a member's headers: PAX records, the header block, and the sparse blocks of old GNU tars behind it. */
interface SplitHeader {
  readonly records: PaxRecord[];
  readonly block: Buffer;
  readonly tail: Buffer;
}

const ofName = ['path', 'linkpath'];
const ofContent = /^(size$|GNU\.sparse\.)/;
const largestName = 100;

/**
 * `raw`, all of a member's headers from the first extended one to the start of its content, changed. Times, owners,
 * xattrs, sparse maps and sizes stay as they are written there. Throws RangeError where `raw` is no whole header.
 */
export function rewriteHeader(raw: Uint8Array, { path, link }: HeaderChange): Buffer {
  const { records, block, tail } = splitHeader(raw);
  const changed = Buffer.from(block);
  const kept = records.filter(
    ([key]) => !(key === 'path' && path !== undefined) && !(ofName[1] === key && link !== undefined),
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

/** The prefix of ustar names; GNU headers have times and sparse maps there. */
function clearPrefix(block: Buffer): void {
  if (block.toString('latin1', 257, 263) === 'ustar\0') block.fill(0, 345, 500);
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
    else if (type !== 'g')
      long.push([ofName[type === 'L' ? 0 : 1] ?? '', findText(content, 0, content.length)]);
  }
  throw new RangeError('There is no header in these bytes');
}
