/** ExtentReader against a plain model of what it reads. */
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ExtentFile, type ExtentInput, ExtentReader } from '../../src/addon/extent-reader.ts';
import { stampFiles } from '../../src/addon/stamp-files.ts';
import { digestOf } from '../../src/ground/digest.ts';
import { chain, createFile, readSlice } from './support/extent-files.ts';
import { noiseBytes } from './support/sample-bytes.ts';

/** CRC64 of 5 GiB of zeros of which the last three bytes are `end`; made once with lzma_crc64 in a loop. */
const sparseCrc64 = '04998f8e9ebe1990';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'extent-reader-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function openFilesUnder(path: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(path) ? [target] : [];
    } catch {
      return []; // the descriptor of this very listing
    }
  });
}

describe('ExtentReader', () => {
  it('reads any slice of any layout as the whole would read', async () => {
    const contents = Array.from({ length: 6 }, (_, index) => noiseBytes(1 + index * 700, String(index)));
    const files = contents.map((bytes, index) => createFile(folder, `file-${index}`, bytes));
    const part = fc.oneof(
      fc.record({ kind: fc.constant('memory' as const), bytes: fc.uint8Array({ maxLength: 40 }) }),
      fc
        .nat(files.length - 1)
        .chain((file) =>
          fc
            .tuple(fc.nat(files[file]?.size ?? 0), fc.nat(files[file]?.size ?? 0))
            .map(([a, b]) => ({ kind: 'file' as const, file, from: Math.min(a, b), to: Math.max(a, b) })),
        ),
    );
    const reads = fc.array(fc.tuple(fc.nat(20_000), fc.nat(20_000)), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 20 }), reads, async (parts, slices) => {
        const whole = Buffer.concat(
          parts.map((p) =>
            p.kind === 'memory' ? p.bytes : (contents[p.file] ?? Buffer.of()).subarray(p.from, p.to),
          ),
        );
        let start = 0;
        const extents = parts.map((p): ExtentInput => {
          const length = p.kind === 'memory' ? p.bytes.length : p.to - p.from;
          start += length;
          const source = p.kind === 'memory' ? p : { kind: 'file' as const, file: p.file, position: p.from };
          return { start: start - length, length, source };
        });
        await using reader = new ExtentReader(files, extents);
        expect(reader.size).toBe(whole.length);
        const bounded = slices.map(([a, b]) => [a % (whole.length + 3), b] as const);
        await Promise.all(
          [...bounded, [0, whole.length] as const].map(async ([position, length]) => {
            const wanted = whole.subarray(position, position + length);
            expect((await readSlice(reader, position, length)).equals(wanted)).toBe(true);
            const target = Buffer.alloc(length);
            const count = reader.tryRead(target, position);
            if (count !== undefined) expect(target.subarray(0, count).equals(wanted)).toBe(true);
          }),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('reads at once what was read before, and only that', async () => {
    const bytes = noiseBytes(100_000);
    const files = [createFile(folder, 'first', bytes), createFile(folder, 'second', bytes)];
    await using reader = new ExtentReader(files, chain(files));
    const target = Buffer.alloc(5000);
    expect(reader.tryRead(target, 100)).toBeUndefined();
    await readSlice(reader, 0, 10);
    expect(reader.tryRead(target, 100)).toBe(5000);
    expect(target.equals(bytes.subarray(100, 5100))).toBe(true);
    expect(reader.tryRead(target, 98_000)).toBeUndefined(); // reaches into the second
    expect(reader.tryRead(target, 200_000)).toBe(0);
    expect(await reader.read(target, 200_000)).toBe(0);
    expect(await reader.read(target, Number.MAX_SAFE_INTEGER)).toBe(0);
  });

  it('reads 2,000 files in parallel with 8 open at most', async () => {
    const contents = Array.from({ length: 2_000 }, (_, index) =>
      noiseBytes(300 + (index % 200), String(index)),
    );
    const files = contents.map((bytes, index) => createFile(folder, `file-${index}`, bytes));
    const whole = Buffer.concat(contents);
    const reader = new ExtentReader(files, chain(files), { openFileLimit: 8 });
    let mostOpen = 0;
    await Promise.all(
      [1000, 4096, 70_000, 333].map(async (step, offset) => {
        for (let position = offset * 50; position < whole.length; position += step * 3) {
          const slice = await readSlice(reader, position, step);
          expect(slice.equals(whole.subarray(position, position + step))).toBe(true);
          mostOpen = Math.max(mostOpen, openFilesUnder(folder).length);
        }
      }),
    );
    expect(mostOpen).toBeGreaterThan(0);
    expect(mostOpen).toBeLessThanOrEqual(8 + 4); // each reader may hold one more
    await reader.close();
    expect(openFilesUnder(folder)).toEqual([]);
  });

  it('finds bytes beyond 4 GiB, in the layout and in a file', async () => {
    const size = 5 * 1024 ** 3;
    // In memory, where holes are read at the speed of the check; a disk's page cache would take 5 GiB for them.
    rmSync(folder, { recursive: true });
    folder = mkdtempSync('/dev/shm/extent-reader-');
    const path = join(folder, 'sparse');
    const fd = openSync(path, 'w');
    ftruncateSync(fd, size);
    writeSync(fd, 'end', size - 3);
    closeSync(fd);
    const files: ExtentFile[] = [
      {
        path,
        size,
        digest: digestOf(Buffer.alloc(0)),
        crc64: sparseCrc64,
        stamp: stampFiles([path], [size])[0],
      },
    ];
    await using reader = new ExtentReader(files, [
      { start: 0, length: size - 10, source: { kind: 'file', file: 0, position: 10 } },
      { start: size - 10, length: 3, source: { kind: 'memory', bytes: Buffer.from('mid') } },
      { start: size - 7, length: 5, source: { kind: 'file', file: 0, position: size - 5 } },
    ]);
    expect(reader.size).toBe(size - 2);
    expect((await readSlice(reader, size - 13, 20)).toString('latin1')).toBe('endmid\0\0end');
  });

  it('waits for its reads when it is closed, and refuses further ones', async () => {
    const bytes = noiseBytes(3_000_000);
    const files = [createFile(folder, 'file', bytes)];
    const reader = new ExtentReader(files, chain(files));
    let isRead = false;
    const read = readSlice(reader, 0, bytes.length).then((slice) => {
      isRead = slice.equals(bytes);
    });
    await reader.close();
    await read;
    expect(isRead).toBe(true);
    expect(openFilesUnder(folder)).toEqual([]);
    await reader.close();
    expect(() => reader.tryRead(Buffer.alloc(1), 0)).toThrow(TypeError);
    await expect(reader.read(Buffer.alloc(1), 0)).rejects.toThrow(TypeError);
  });

  it('takes 10,000 extents with some megabytes', async () => {
    const before = process.memoryUsage.rss();
    const files = Array.from({ length: 10_000 }, (_, index) => ({
      path: join(folder, 'blocks', String(index).padStart(64, '0')),
      size: 100_000,
      digest: digestOf(Buffer.alloc(0)),
      crc64: '0'.repeat(16),
    }));
    const readers = Array.from({ length: 10 }, () => new ExtentReader(files, chain(files)));
    expect(process.memoryUsage.rss() - before).toBeLessThan(80 * 1024 * 1024);
    for (const reader of readers) await reader.close();
  });

  it('refuses extents that are no layout', () => {
    const file: ExtentFile = {
      path: '/nowhere',
      size: 10,
      digest: digestOf(Buffer.alloc(0)),
      crc64: '0'.repeat(16),
    };
    const at = (start: number, length: number, position: number, index = 0): ExtentInput => ({
      start,
      length,
      source: { kind: 'file', file: index, position },
    });
    const bad: ExtentInput[][] = [
      [at(1, 5, 0)],
      [at(0, 5, 0), at(6, 1, 0)],
      [at(0, 5, 0), at(4, 1, 0)],
      [at(0, 5, 6)],
      [at(0, -1, 0)],
      [at(0, 1.5, 0)],
      [at(0, 1, -1)],
      [at(0, 1, 0, 1)],
      [{ start: 0, length: 2, source: { kind: 'memory', bytes: Buffer.alloc(1) } }],
    ];
    for (const extents of bad) expect(() => new ExtentReader([file], extents)).toThrow(RangeError);
    expect(() => new ExtentReader([{ ...file, crc64: 'XYZ' }], [])).toThrow(TypeError);
    expect(() => new ExtentReader([{ ...file, size: -1 }], [])).toThrow(RangeError);
    for (const openFileLimit of [0, -1, 1.5]) {
      expect(() => new ExtentReader([file], [], { openFileLimit })).toThrow(RangeError);
    }
    const reader = new ExtentReader([file], []);
    expect(reader.size).toBe(0);
    for (const position of [-1, 0.5, 2 ** 53])
      expect(() => reader.tryRead(Buffer.alloc(1), position)).toThrow(RangeError);
  });
});
