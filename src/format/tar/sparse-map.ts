/** Sparse members, which stand in an archive without their holes: their maps, and the files that they are. */
import { BundleError } from '../../ground/errors.ts';
import type { ByteReader } from './byte-reader.ts';
import type { PaxRecord } from './pax-records.ts';
import { readTarNumber } from './tar-field.ts';
import { tarBlockSize } from './tar-header.ts';

/** A run of bytes that the archive has. All others of the file are zero. */
export interface SparseRun {
  readonly start: number;
  readonly length: number;
}

export interface SparseMap {
  /** Bytes of the file, holes included. */
  readonly size: number;
  /** Where the stored bytes belong in the file, in its order. */
  readonly runs: readonly SparseRun[];
}

/** What a sparse member's headers say. */
export interface SparseHeader {
  /** For messages. */
  readonly name: string;
  /** The last header block. */
  readonly block: Uint8Array;
  /** Of the extended header before it, in their order: the keys of the form 0.0 repeat. */
  readonly records: readonly PaxRecord[];
  /** Bytes of content behind the header: the map of the form 1.0 is a part of it. */
  readonly storedSize: number;
}

/** Far more than a file system makes of an image's layer; each takes some bytes of memory. */
const mostRuns = 1024 * 1024;

/**
 * The map of a member in one of GNU tar's forms (GNU tar manual, "Sparse Formats"): the old one of the type S, and 0.0,
 * 0.1 and 1.0 with PAX records. undefined for a member that has none. `reader` stands behind the header block, and
 * afterwards where the stored bytes begin. Throws archive-corrupt where the map contradicts itself or the member's
 * size, as Go's archive/tar does, and archive-unsupported.
 */
export async function readSparseMap(
  reader: ByteReader,
  header: SparseHeader,
): Promise<SparseMap | undefined> {
  const start = reader.position;
  const isOld = header.block[typePosition] === typeSparse;
  const map = isOld ? await readOldMap(reader, header) : await readPaxMap(reader, header);
  if (map === undefined) return undefined;
  const mapSize = isOld ? 0 : reader.position - start;
  checkMap(reader, header, map, header.storedSize - mapSize);
  return map;
}

/** The file that `stored`, the bytes of the runs in their order, and `map` make. Chunks are the receiver's to keep. */
export async function* expandSparse(
  stored: AsyncIterable<Uint8Array>,
  { size, runs }: SparseMap,
): AsyncGenerator<Uint8Array, void, undefined> {
  let position = 0;
  let index = 0;
  let left = runs[0]?.length ?? 0;
  const skipDone = (): void => {
    while (left === 0 && index < runs.length) left = runs[++index]?.length ?? 0;
  };
  skipDone();
  for await (const chunk of stored) {
    for (let done = 0; done < chunk.length;) {
      const run = runs[index];
      if (run === undefined) throw new RangeError('There are more bytes than the map has');
      const start = run.start + run.length - left;
      yield* zeros(start - position);
      const part = chunk.subarray(done, done + left);
      yield part;
      position = start + part.length;
      done += part.length;
      left -= part.length;
      skipDone();
    }
  }
  yield* zeros(size - position);
}

const typePosition = 156;
const typeSparse = 'S'.charCodeAt(0);
const zerosSize = 1024 * 1024;
/** Digits of the largest safe integer. */
const longestNumber = 16;

function* zeros(size: number): Generator<Uint8Array> {
  for (let left = size; left > 0; left -= zerosSize) yield new Uint8Array(Math.min(left, zerosSize));
}

/** Bytes of one entry: where the run starts, and its length (GNU tar, "struct sparse"). */
const entrySize = 24;

/** Four entries in the header, then blocks of 21, each of which says whether another one follows. */
async function readOldMap(reader: ByteReader, { block, name }: SparseHeader): Promise<SparseMap> {
  if (Buffer.from(block.subarray(257, 265)).toString('latin1') !== 'ustar  \0') {
    throw new BundleError(
      'archive-unsupported',
      `Cannot read ${reader.label}: "${name}" is a sparse file in a form that is not GNU tar's`,
      { hint: 'Pack the archive again without the option for sparse files (-S, --sparse).' },
    );
  }
  const size = readTarNumber(block, 483, 495);
  const runs: SparseRun[] = [];
  const take = (entries: Uint8Array, count: number): void => {
    for (let index = 0; index < count; index += 1) {
      const at = index * entrySize;
      if (entries[at] === 0) return; // as Go does: the rest of the block is unused
      const start = readTarNumber(entries, at, at + 12);
      const length = readTarNumber(entries, at + 12, at + entrySize);
      if (start === undefined || length === undefined)
        throw badMap(reader, name, 'it has something else than numbers');
      runs.push({ start, length });
    }
  };
  take(block.subarray(386, 482), 4);
  for (let isFollowed = block[482] !== 0; isFollowed;) {
    const next = await reader.read(tarBlockSize);
    if (next === undefined || runs.length > mostRuns) throw badMap(reader, name, 'it does not end');
    take(next.subarray(0, 504), 21);
    isFollowed = next[504] !== 0;
  }
  if (size === undefined) throw badMap(reader, name, 'it does not say how large the file is');
  return { size, runs };
}

async function readPaxMap(reader: ByteReader, header: SparseHeader): Promise<SparseMap | undefined> {
  const { records, name, storedSize } = header;
  const values = new Map(records.map(([key, value]) => [key, value.toString('latin1')]));
  const find = (key: string): string | undefined => {
    const value = values.get(`GNU.sparse.${key}`);
    return value === '' ? undefined : value;
  };
  const version = `${find('major') ?? ''}.${find('minor') ?? ''}`;
  const listed = find('map') ?? listPairs(reader, header);
  if (!['0.0', '0.1', '1.0'].includes(version) && (version !== '.' || listed === undefined)) return undefined;
  const sizeText = find('size') ?? find('realsize');
  const size = sizeText === undefined ? storedSize : toNumber(sizeText);
  if (size === undefined) throw badMap(reader, name, `"${sizeText ?? ''}" is no size`);
  if (version === '1.0') return { size, runs: await readStoredMap(reader, header) };
  const numbers = listed === undefined ? [] : listed.split(',').map(toNumber);
  const count = toNumber(find('numblocks') ?? '');
  if (count === undefined || numbers.length !== 2 * count) {
    throw badMap(reader, name, `it has ${numbers.length / 2} parts, not ${count ?? 'as many as it says'}`);
  }
  return { size, runs: toRuns(reader, name, numbers) };
}

/** The form 0.0: two records for each run, in turn. undefined where there are none. */
function listPairs(reader: ByteReader, { records, name }: SparseHeader): string | undefined {
  const keys = ['GNU.sparse.offset', 'GNU.sparse.numbytes'];
  const pairs = records.filter(([key]) => keys.includes(key));
  const inTurn = pairs.every(([key], index) => key === keys[index % 2]);
  if (!inTurn || pairs.length % 2 === 1) throw badMap(reader, name, 'its parts are out of order');
  return pairs.length === 0 ? undefined : pairs.map(([, value]) => value.toString('latin1')).join(',');
}

/** The form 1.0: lines of digits before the stored bytes, how many runs there are first, filled up to a block. */
async function readStoredMap(reader: ByteReader, { name, storedSize }: SparseHeader): Promise<SparseRun[]> {
  const end = reader.position + storedSize;
  const numbers: (number | undefined)[] = [];
  let wanted = 1;
  let line = '';
  while (numbers.length < wanted) {
    const block = reader.position + tarBlockSize > end ? undefined : await reader.read(tarBlockSize);
    if (block === undefined) throw badMap(reader, name, 'it does not end');
    const lines = (line + Buffer.from(block).toString('latin1')).split('\n');
    line = lines.pop() ?? '';
    for (const text of lines) {
      if (numbers.length === wanted) break;
      numbers.push(toNumber(text));
      if (numbers.length > 1) continue;
      const [count] = numbers;
      if (count === undefined) throw badMap(reader, name, 'it does not say how many parts there are');
      if (count > mostRuns) throw tooManyRuns(reader, name);
      wanted += 2 * count;
    }
    if (numbers.length < wanted && line.length > longestNumber) {
      throw badMap(reader, name, 'it has something else than numbers');
    }
  }
  return toRuns(reader, name, numbers.slice(1));
}

function toRuns(reader: ByteReader, name: string, numbers: readonly (number | undefined)[]): SparseRun[] {
  if (numbers.length / 2 > mostRuns) throw tooManyRuns(reader, name);
  const runs: SparseRun[] = [];
  for (let index = 0; index < numbers.length; index += 2) {
    const start = numbers[index];
    const length = numbers[index + 1];
    if (start === undefined || length === undefined)
      throw badMap(reader, name, 'it has something else than numbers');
    runs.push({ start, length });
  }
  return runs;
}

function toNumber(text: string): number | undefined {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Go archive/tar, "validateSparseEntries"; and all stored bytes must have a place, as reading finds out there. */
function checkMap(
  reader: ByteReader,
  { name }: SparseHeader,
  { size, runs }: SparseMap,
  stored: number,
): void {
  if (runs.length > mostRuns) throw tooManyRuns(reader, name);
  let end = 0;
  let sum = 0;
  for (const { start, length } of runs) {
    if (start < end || length < 0) throw badMap(reader, name, 'its parts overlap or are out of order');
    end = start + length;
    sum += length;
    if (end > size) throw badMap(reader, name, `it has bytes up to ${end} of a file of ${size}`);
  }
  if (size < 0 || sum !== stored)
    throw badMap(reader, name, `it is of ${sum} bytes, and the archive has ${stored}`);
}

function badMap(reader: ByteReader, name: string, fault: string): BundleError {
  return new BundleError(
    'archive-corrupt',
    `Cannot read ${reader.label}: the map of the sparse file "${name}" is wrong: ${fault}`,
    { hint: 'Pack the archive again, without the option for sparse files (-S, --sparse).' },
  );
}

function tooManyRuns(reader: ByteReader, name: string): BundleError {
  return new BundleError(
    'archive-unsupported',
    `Cannot read ${reader.label}: the sparse file "${name}" has more than ${mostRuns} parts`,
    { hint: 'Pack the archive again, without the option for sparse files (-S, --sparse).' },
  );
}
