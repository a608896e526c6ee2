/** Whether the map of a sparse member with PAX records is one that Go's archive/tar takes, of a layer that only passes. */

/** What a member's records say of its map. `stored`: it stands before the content, as lines of numbers (the form 1.0). */
export type SparseForm = 'none' | 'listed' | 'stored';

/** As archive/tar has it ("readGNUSparsePAXHeaders"). */
export function findSparseForm(records: ReadonlyMap<string, Buffer>): SparseForm {
  const version = `${textOf(records, 'major')}.${textOf(records, 'minor')}`;
  if (version === '1.0') return 'stored';
  const isListed =
    version === '0.0' || version === '0.1' || (version === '.' && textOf(records, 'map') !== '');
  return isListed ? 'listed' : 'none';
}

/** How much of the content of a member with a stored map is looked at: what a map has beyond that is not. */
export const largestStoredMap = 1024 * 1024;

export interface SparseMember {
  readonly records: ReadonlyMap<string, Buffer>;
  /** Of its content in the layer. */
  readonly size: number;
  /** What begins it, of the form 1.0: largestStoredMap bytes or all. */
  readonly start?: Buffer;
}

/** Whether archive/tar refuses it, or what engines read of it: false where that is not certain. */
export function hasSparseFault({ records, size, start }: SparseMember): boolean {
  const said = textOf(records, 'size') || textOf(records, 'realsize');
  if (said !== '' && !wholeNumber.test(said)) return true;
  const map = start === undefined ? readListed(records) : readStored(start, size);
  if (map === 'broken') return true;
  if (map === 'unknown') return false;
  return !fits(map.numbers, said === '' ? size : Number(said), size - map.size);
}

interface FoundMap {
  /** Where a part starts and how long it is, in turn. */
  readonly numbers: readonly number[];
  /** Of it before the content. */
  readonly size: number;
}

const wholeNumber = /^[+-]?[0-9]+$/;
const blockSize = 512;

function textOf(records: ReadonlyMap<string, Buffer>, key: string): string {
  return records.get(`GNU.sparse.${key}`)?.toString('latin1') ?? '';
}

function readListed(records: ReadonlyMap<string, Buffer>): FoundMap | 'broken' {
  const count = toNumber(textOf(records, 'numblocks'));
  const list = textOf(records, 'map');
  const numbers = list === '' ? [] : list.split(',').map(toNumber);
  const isWhole = count >= 0 && numbers.length === 2 * count && !numbers.some(Number.isNaN);
  return isWhole ? { numbers, size: 0 } : 'broken';
}

/** Whole blocks of lines ("readGNUSparseMap1x0"). */
function readStored(start: Buffer, size: number): FoundMap | 'broken' | 'unknown' {
  const isAll = start.length === size;
  const numbers: number[] = [];
  let position = 0;
  for (let wanted = 1; numbers.length < wanted;) {
    const end = start.indexOf('\n', position);
    // The map goes on in a block that is not there, or not in what is looked at.
    if (end < 0 || !reachesBlock(start.length, end)) return isAll ? 'broken' : 'unknown';
    const number = toNumber(start.toString('latin1', position, end));
    if (Number.isNaN(number) || number < 0) return 'broken';
    if (numbers.length === 0) wanted += 2 * number;
    numbers.push(number);
    position = end + 1;
  }
  return { numbers: numbers.slice(1), size: Math.ceil(position / blockSize) * blockSize };
}

function reachesBlock(size: number, position: number): boolean {
  return (Math.floor(position / blockSize) + 1) * blockSize <= size;
}

function toNumber(text: string): number {
  return wholeNumber.test(text) ? Number(text) : NaN;
}

/** "validateSparseEntries"; and each stored byte must have a place, which reading finds out. */
function fits(numbers: readonly number[], size: number, stored: number): boolean {
  // Sums of such numbers are not exact.
  if (!numbers.every(Number.isSafeInteger) || !Number.isSafeInteger(size)) return true;
  if (size < 0) return false;
  let end = 0;
  let sum = 0;
  for (let index = 0; index < numbers.length; index += 2) {
    const [start = 0, length = 0] = numbers.slice(index, index + 2);
    if (start < end || length < 0 || start + length > size) return false;
    end = start + length;
    sum += length;
  }
  return sum === stored;
}
