/** readXzStructure: the same as `xz --list` says, and an error for everything that is not whole. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BundleError } from '../../../src/ground/errors.ts';
import { encodeIndex } from '../../../src/format/xz/index-field.ts';
import { encodeStreamFooter } from '../../../src/format/xz/stream-footer.ts';
import { encodeStreamHeader } from '../../../src/format/xz/stream-header.ts';
import { readXzStructure, type XzInput, type XzStructure } from '../../../src/format/xz/xz-structure.ts';
import { compress, inputOf, lines } from './xz-fixture.ts';

const content = lines(5000);
const blocks = compress(content, '-T2', '--block-size=20000');
const single = compress('short', '-T1', '--check=crc32');
const empty = compress('');

async function codeOf(bytes: Uint8Array): Promise<string> {
  try {
    await readXzStructure(inputOf(bytes));
    return 'not refused';
  } catch (error) {
    return error instanceof BundleError ? error.code : `not a BundleError: ${String(error)}`;
  }
}

describe('readXzStructure', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'xz-structure-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** The numbers of `xz --robot -lvv` (xz(1), "ROBOT MODE"): of streams, then of blocks, then the total. */
  function list(bytes: Uint8Array): string[] {
    const path = join(folder, 'listed.xz');
    writeFileSync(path, bytes);
    const rows = execFileSync('xz', ['--robot', '-lvv', path], { encoding: 'utf8' }).trim().split('\n');
    return rows.flatMap((row) => {
      const [kind = '', ...columns] = row.split('\t');
      const at = (...indexes: readonly number[]): string =>
        [kind, ...indexes.map((index) => columns[index])].join(' ');
      if (kind === 'stream') return [at(1, 2, 3, 4, 5, 7, 8)];
      if (kind === 'block') return [at(3, 4, 5, 6)];
      return kind === 'totals' ? [at(3)] : [];
    });
  }

  function describeStructure({ streams, uncompressedSize }: XzStructure): string[] {
    const names: Record<string, string> = { crc32: 'CRC32', crc64: 'CRC64', sha256: 'SHA-256', none: 'None' };
    let start = 0;
    const streamRows = streams.map((stream) => {
      const size = stream.blocks.reduce((sum, block) => sum + block.uncompressedSize, 0);
      const numbers = [stream.blocks.length, stream.start, start, stream.size, size];
      start += size;
      return ['stream', ...numbers, names[stream.check], stream.paddingSize].join(' ');
    });
    const blockRows = streams
      .flatMap((stream) => stream.blocks)
      .map((block) =>
        ['block', block.start, block.uncompressedStart, block.storedSize, block.uncompressedSize].join(' '),
      );
    return [...streamRows, ...blockRows, `totals ${uncompressedSize}`];
  }

  const cases: [string, Buffer][] = [
    ['one block', single],
    ['many blocks', blocks],
    ['blocks of one thread', compress(content, '-T1', '--block-size=20000')],
    ['no block', empty],
    ['check none', compress(content, '--check=none')],
    ['check crc32', compress(content, '--check=crc32')],
    ['check crc64', compress(content, '--check=crc64')],
    ['check sha256', compress(content, '--check=sha256')],
    ['several streams', Buffer.concat([blocks, single, empty, blocks])],
    [
      'padding between and behind',
      Buffer.concat([single, Buffer.alloc(4), blocks, Buffer.alloc(200_000), empty, Buffer.alloc(8)]),
    ],
  ];

  test.each(cases)('says what xz says of %s', async (_, bytes) => {
    const structure = await readXzStructure(inputOf(bytes));
    expect(describeStructure(structure)).toEqual(list(bytes));
    expect(structure.uncompressedSize).toBeGreaterThanOrEqual(0);
  });

  test('gives the unpadded size that leaves the padding out', async () => {
    const { streams } = await readXzStructure(inputOf(blocks));
    const all = streams.flatMap((stream) => stream.blocks);
    expect(all).toHaveLength(4);
    for (const block of all) {
      // The padding stands before the check (§3), which has 8 bytes here.
      const end = block.start + block.storedSize - 8;
      const padding = blocks.subarray(block.start + block.unpaddedSize - 8, end);
      expect(padding.length).toBeLessThan(4);
      expect([...padding].every((byte) => byte === 0)).toBe(true);
    }
    expect(all.some((block) => block.storedSize > block.unpaddedSize)).toBe(true);
  });

  test('refuses every truncation', async () => {
    for (let size = 0; size < blocks.length; size += size < 400 || size > blocks.length - 400 ? 1 : 97) {
      expect([size, await codeOf(blocks.subarray(0, size))]).toEqual([size, 'xz-truncated']);
    }
  });

  test('refuses every changed byte in header, index and footer', async () => {
    const bytes = Buffer.concat([blocks, single]);
    const indexSize = encodeIndex((await readXzStructure(inputOf(blocks))).streams[0]?.blocks ?? []).length;
    const positions = (start: number, size: number): number[] =>
      Array.from({ length: size }, (_, at) => start + at);
    for (const position of [
      ...positions(0, 12),
      ...positions(blocks.length - 12 - indexSize, indexSize + 12 + 12),
      ...positions(bytes.length - 20, 20), // an index of 8 bytes and its footer
    ]) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(position) ^ 0x10, position);
      expect([position, await codeOf(damaged)]).toEqual([
        position,
        expect.stringMatching(/^xz-(corrupt|truncated)$/),
      ]);
    }
  });

  test('reads thousands of streams and megabytes of padding in a few windows', async () => {
    const empty = compress('');
    const bytes = Buffer.concat([
      single,
      ...Array.from({ length: 20_000 }, () => empty),
      Buffer.alloc(8_000_000),
    ]);
    const file = inputOf(bytes, Infinity);
    let readCount = 0;
    let readSize = 0;
    const { streams } = await readXzStructure({
      size: file.size,
      read(target, position) {
        readCount += 1;
        readSize += target.length;
        return file.read(target, position);
      },
    });
    expect(streams).toHaveLength(20_001);
    expect(readCount).toBeLessThan(200);
    expect(readSize).toBeLessThan(1.1 * bytes.length);
  });

  test('refuses what is no .xz, padding of no multiple of four, and padding alone', async () => {
    expect(await codeOf(Buffer.from('this is a text of some length'))).toBe('xz-corrupt');
    expect(await codeOf(Buffer.alloc(64))).toBe('xz-corrupt');
    expect(await codeOf(Buffer.concat([single, Buffer.alloc(6)]))).toBe('xz-truncated');
    expect(await codeOf(Buffer.concat([Buffer.alloc(4), single]))).toBe('xz-corrupt');
    expect(await codeOf(Buffer.concat([single, Buffer.from('junk'), single]))).toBe('xz-corrupt');
    expect(await codeOf(Buffer.concat([encodeStreamHeader('crc64'), Buffer.alloc(400)]))).toBe(
      'xz-truncated',
    );
  });

  test('refuses a frame whose parts do not fit together', async () => {
    const header = encodeStreamHeader('crc64');
    const index = encodeIndex([{ unpaddedSize: 40, uncompressedSize: 100 }]);
    const footer = encodeStreamFooter('crc64', index.length);
    const build = (...parts: readonly Uint8Array[]): Promise<string> => codeOf(Buffer.concat(parts));
    const data = Buffer.alloc(40, 1);
    expect(await build(header, data, index, footer)).toBe('not refused');
    expect(await build(header, data.subarray(4), index, footer)).toBe('xz-corrupt');
    expect(await build(header, data, data.subarray(36), index, footer)).toBe('xz-corrupt');
    expect(await build(encodeStreamHeader('crc32'), data, index, footer)).toBe('xz-corrupt');
    expect(await build(header, data, index, encodeStreamFooter('crc64', index.length + 4))).toBe(
      'xz-corrupt',
    );
    expect(await build(header, data, index, encodeStreamFooter('crc64', 2 ** 30))).toBe('xz-corrupt');
    const far = encodeIndex([{ unpaddedSize: Number.MAX_SAFE_INTEGER, uncompressedSize: 1 }]);
    expect(await build(header, data, far, encodeStreamFooter('crc64', far.length))).toBe('xz-corrupt');
    const record = { unpaddedSize: 8, uncompressedSize: Number.MAX_SAFE_INTEGER };
    const large = encodeIndex([record, record]);
    expect(await build(header, data.subarray(24), large, encodeStreamFooter('crc64', large.length))).toBe(
      'xz-unsupported',
    );
  });

  test('refuses a file that gives fewer bytes than its size', async () => {
    const input = inputOf(blocks);
    const short = {
      size: input.size + 400,
      read: (target: Uint8Array, position: number) => input.read(target, position),
    };
    await expect(readXzStructure(short)).rejects.toMatchObject({ code: 'xz-truncated' });
  });

  /** Counts what is asked of the file: reading is what takes time where it lies on a stick. */
  function countReads(bytes: Uint8Array): { input: XzInput; reads: { count: number; size: number } } {
    const input = inputOf(bytes, Infinity);
    const reads = { count: 0, size: 0 };
    const read: XzInput['read'] = (target, position) => {
      reads.count += 1;
      reads.size += target.length;
      return input.read(target, position);
    };
    return { input: { size: input.size, read }, reads };
  }

  test('reads an index of a million blocks once, and none of the blocks', async () => {
    const index = encodeIndex(
      Array.from({ length: 1e6 }, (_, at) => ({ unpaddedSize: 8, uncompressedSize: at })),
    );
    const header = encodeStreamHeader('crc64');
    const { input, reads } = countReads(
      Buffer.concat([header, Buffer.alloc(8e6), index, encodeStreamFooter('crc64', index.length)]),
    );
    const structure = await readXzStructure(input);
    expect(structure.streams[0]?.blocks.length).toBe(1e6);
    expect(structure.uncompressedSize).toBe((1e6 * (1e6 - 1)) / 2);
    expect(reads.count).toBeLessThan(10);
    expect(reads.size).toBeLessThan(index.length + 4 * 64 * 1024); // what is small is read in windows
  });

  test('reads as much for each of ten thousand streams as for one of ten', async () => {
    const readMany = async (count: number): Promise<{ count: number; size: number }> => {
      const { input, reads } = countReads(Buffer.alloc(count * empty.length, empty));
      expect((await readXzStructure(input)).streams.length).toBe(count);
      return reads;
    };
    const [few, many] = [await readMany(10), await readMany(10_000)];
    expect(many.count).toBeLessThanOrEqual(1000 * few.count);
    expect(many.size).toBeLessThanOrEqual(1000 * few.size);
    expect(few.size).toBeLessThan(10 * 100);
  });
});
