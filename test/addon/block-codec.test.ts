/** encodeBlock and decodeBlock against the real xz, a second decoder, and damage. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { xz } from '@napi-rs/lzma';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc64, decodeBlock, encodeBlock, liblzmaVersion } from '../../src/addon/block-codec.ts';
import type { EncoderSettings } from '../../src/plan/layout/profile.ts';
import type { CheckName } from '../../src/format/xz/stream-flags.ts';
import { frameBlock } from './support/frame-block.ts';
import { runXz } from './support/run-xz.ts';
import { noiseBytes, textBytes } from './support/sample-bytes.ts';

const checks = ['crc32', 'crc64', 'sha256'] as const satisfies readonly CheckName[];

function settingsWith(changes: Partial<EncoderSettings> = {}): EncoderSettings {
  return { liblzma: liblzmaVersion(), preset: 6, extreme: false, check: 'crc64', ...changes };
}

describe('encodeBlock', () => {
  const presets = Array.from({ length: 10 }, (_, preset) =>
    [false, true].map((extreme) => ({ preset, extreme })),
  );

  it.each(presets.flat())(
    'makes a block that every decoder reads: $preset extreme $extreme',
    async (level) => {
      const content = textBytes(150_000, JSON.stringify(level));
      const block = await encodeBlock(content, settingsWith(level));
      expect(block.bytes.length).toBeLessThan(content.length / 2);
      const file = frameBlock(block, 'crc64', content.length);
      expect(runXz(['-dc'], file).equals(content)).toBe(true);
      expect((await xz.decompress(file)).equals(content)).toBe(true);
      expect((await decodeBlock(block.bytes, 'crc64', content.length)).equals(content)).toBe(true);
    },
  );

  const sizes = [0, 1, 511, 512, 4095, 4096, 4097, 65_536, 4 * 1024 * 1024];

  it.each(sizes.flatMap((size) => checks.map((check) => ({ size, check }))))(
    'keeps $size bytes with $check, stored padded, with both sizes in its header',
    async ({ size, check }) => {
      const content = textBytes(size);
      const block = await encodeBlock(content, settingsWith({ preset: 1, check }));
      expect(block.bytes.length).toBe(Math.ceil(block.unpaddedSize / 4) * 4);
      expect(block.crc64).toBe(crc64(block.bytes));
      expect((block.bytes[1] ?? 0) & 0xc0).toBe(0xc0); // .xz 1.2.1 §3.1.2: both size fields are there
      const file = frameBlock(block, check, size);
      expect(runXz(['-dc'], file).equals(content)).toBe(true);
      expect((await decodeBlock(block.bytes, check, size)).equals(content)).toBe(true);
      expect(listBlock(file)).toMatchObject({
        check,
        uncompressedSize: size,
        unpaddedSize: block.unpaddedSize,
      });
    },
  );

  it('stores what cannot be compressed with less than a thousandth more', async () => {
    const content = noiseBytes(4 * 1024 * 1024 + 12_345);
    const block = await encodeBlock(content, settingsWith({ preset: 0 }));
    expect(block.bytes.length).toBeGreaterThan(content.length);
    expect(block.bytes.length).toBeLessThan(content.length * 1.001);
    expect(runXz(['-dc'], frameBlock(block, 'crc64', content.length)).equals(content)).toBe(true);
  });

  it.each([
    { size: 1, dictionary: '4KiB' },
    { size: 4097, dictionary: '6KiB' },
    { size: 6145, dictionary: '8KiB' },
    { size: 3 * 1024 * 1024, dictionary: '3MiB' },
    { size: 3 * 1024 * 1024 + 1, dictionary: '4MiB' },
    { size: 9 * 1024 * 1024, dictionary: '8MiB' },
  ])(
    'gives $size bytes a dictionary of $dictionary and the shortest header',
    async ({ size, dictionary }) => {
      const block = await encodeBlock(Buffer.alloc(size, 'abc'), settingsWith({ preset: 6 }));
      const listed = listBlock(frameBlock(block, 'crc64', size));
      expect(listed.filters).toBe(`--lzma2=dict=${dictionary}`);
      // .xz 1.2.1 §3.1: size 1, flags 1, the two sizes, filter 3, CRC32 4; padded to four.
      const fieldsSize = 9 + variableSize(listed.compressedSize) + variableSize(size);
      expect(listed.headerSize).toBe(Math.ceil(fieldsSize / 4) * 4);
    },
  );

  it('compresses to the very bytes that xz itself makes', async () => {
    const content = textBytes(700_000);
    const block = await encodeBlock(content, settingsWith({ preset: 4 }));
    const ours = dataOf(frameBlock(block, 'crc64', content.length));
    const theirs = dataOf(runXz(['-zc', '-T1', '--check=crc64', '--lzma2=preset=4,dict=768KiB'], content));
    expect(ours.equals(theirs)).toBe(true);
  });

  it('makes the same bytes on every thread, and after blocks of any other kind', async () => {
    const contents = [textBytes(300_000), noiseBytes(70_000), Buffer.alloc(200_000), textBytes(9_000, 'x')];
    const levels = [{ preset: 6 }, { preset: 0 }, { preset: 2, extreme: true }, { check: 'sha256' as const }];
    const kinds = contents.flatMap((content) => levels.map((level) => ({ content, level })));
    const encodeOne = async ({ content, level }: (typeof kinds)[number]): Promise<string> =>
      (await encodeBlock(content, settingsWith(level))).crc64;
    const encodeAll = (): Promise<string[]> => Promise.all(kinds.map(encodeOne));
    const [first, ...others] = await Promise.all([encodeAll(), encodeAll(), encodeAll()]);
    const inTurn: string[] = [];
    for (const kind of kinds) inTurn.push(await encodeOne(kind));
    others.push(inTurn);
    expect(first).toHaveLength(contents.length * levels.length);
    for (const other of others) expect(other).toEqual(first);
  });

  it('takes no more memory after 10,000 blocks', { timeout: 60_000 }, async () => {
    const contents = Array.from({ length: 50 }, (_, index) => textBytes(200 + index * 160, String(index)));
    const encodeMany = async (count: number): Promise<void> => {
      for (let done = 0; done < count; done += contents.length) {
        await Promise.all(contents.map((content) => encodeBlock(content, settingsWith({ preset: 6 }))));
      }
    };
    await encodeMany(2_000);
    const before = process.memoryUsage.rss();
    await encodeMany(10_000);
    expect(process.memoryUsage.rss() - before).toBeLessThan(32 * 1024 * 1024);
  });

  it('breaks off what is aborted, and never begins what waits', async () => {
    const controller = new AbortController();
    const content = textBytes(1024 * 1024);
    const settings = settingsWith({ preset: 9, extreme: true });
    const cpuOf = async <T>(work: () => Promise<T>): Promise<{ result: T; cpu: number }> => {
      const before = process.cpuUsage();
      const result = await work();
      const { user, system } = process.cpuUsage(before);
      return { result, cpu: user + system };
    };
    const { cpu: cpuOfOne } = await cpuOf(() => encodeBlock(content, settings));
    const reason = new Error('enough');
    const { result: results, cpu } = await cpuOf(() => {
      const blocks = Array.from({ length: 40 }, () =>
        encodeBlock(content, settings, { signal: controller.signal }),
      );
      controller.abort(reason);
      return Promise.allSettled(blocks);
    });
    for (const result of results) expect(result).toEqual({ status: 'rejected', reason });
    // The processor's time, which a busy machine does not stretch: less than that of 4 of the 40.
    expect(cpu).toBeLessThan(4 * cpuOfOne);
    await expect(encodeBlock(content, settingsWith(), { signal: controller.signal })).rejects.toBe(reason);
    const small = textBytes(100);
    const after = await encodeBlock(small, settingsWith(), { signal: new AbortController().signal });
    expect((await decodeBlock(after.bytes, 'crc64', 100)).equals(small)).toBe(true);
  });

  it('refuses arguments that are none', async () => {
    const content = Buffer.from('content');
    await expect(encodeBlock('text' as unknown as Uint8Array, settingsWith())).rejects.toThrow(TypeError);
    for (const preset of [-1, 10, 1.5, Number.NaN]) {
      await expect(encodeBlock(content, settingsWith({ preset }))).rejects.toThrow(RangeError);
    }
    await expect(encodeBlock(content, settingsWith({ check: 'none' as CheckName }))).rejects.toThrow(
      TypeError,
    );
    await expect(encodeBlock(content, settingsWith({ liblzma: '4.999.9' }))).rejects.toThrow(
      /"4\.999\.9".*loaded/,
    );
  });
});

describe('decodeBlock', () => {
  it.each(checks)('throws xz-corrupt for any flipped bit of a block with %s', async (check) => {
    const content = textBytes(3_000);
    const { bytes } = await encodeBlock(content, settingsWith({ check }));
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (position, bit) => {
        const damaged = Buffer.from(bytes);
        damaged.writeUInt8(damaged.readUInt8(position) ^ (1 << bit), position);
        await expect(decodeBlock(damaged, check, content.length)).rejects.toMatchObject({
          code: 'xz-corrupt',
        });
      }),
      { numRuns: 400 },
    );
  });

  it('throws xz-corrupt for a block that is cut off, too long, or of another size', async () => {
    const content = textBytes(3_000);
    const { bytes } = await encodeBlock(content, settingsWith());
    const bad: (readonly [Buffer, number])[] = [
      [Buffer.alloc(0), 0],
      [bytes.subarray(0, 1), 3_000],
      [bytes.subarray(0, 20), 3_000],
      [bytes.subarray(0, -4), 3_000],
      [Buffer.concat([bytes, Buffer.alloc(4)]), 3_000],
      [bytes, 2_999],
      [bytes, 3_001],
      [bytes, 0],
      [Buffer.alloc(64), 3_000],
    ];
    for (const [block, size] of bad) {
      await expect(decodeBlock(block, 'crc64', size)).rejects.toMatchObject({ code: 'xz-corrupt' });
    }
    await expect(decodeBlock(bytes, 'sha256', 3_000)).rejects.toMatchObject({ code: 'xz-corrupt' });
  });

  it('reads foreign blocks: without sizes, with another filter before LZMA2', async () => {
    const content = textBytes(50_000);
    for (const args of [
      ['-6', '-T1'],
      ['--x86', '--lzma2=preset=6'],
      ['--delta=dist=4', '--lzma2=preset=1'],
    ]) {
      const file = runXz(['-zc', '--check=crc32', ...args], content);
      const { storedSize } = listBlock(file);
      const block = file.subarray(12, 12 + storedSize);
      expect((await decodeBlock(block, 'crc32', content.length)).equals(content)).toBe(true);
      await expect(decodeBlock(block, 'crc32', content.length - 1)).rejects.toMatchObject({
        code: 'xz-corrupt',
      });
    }
  });

  it('refuses arguments that are none', async () => {
    const block = Buffer.alloc(16);
    for (const size of [-1, 1.5, Number.NaN, 2 ** 53]) {
      await expect(decodeBlock(block, 'crc64', size)).rejects.toThrow(RangeError);
    }
    await expect(decodeBlock(block, 'toString' as CheckName, 1)).rejects.toThrow(TypeError);
    await expect(decodeBlock([] as unknown as Uint8Array, 'crc64', 1)).rejects.toThrow(TypeError);
  });
});

describe('crc64', () => {
  it('gives the check value of CRC-64/XZ', () => {
    expect(crc64(Buffer.from('123456789'))).toBe('995dc9bbdf1939fa');
    expect(crc64(new Uint8Array())).toBe('0000000000000000');
  });
});

/** The LZMA2 data of the first block of a .xz file. */
function dataOf(file: Buffer): Buffer {
  const { headerSize, compressedSize } = listBlock(file);
  return file.subarray(12 + headerSize, 12 + headerSize + compressedSize);
}

/** Bytes of a variable-length integer (.xz 1.2.1 §1.2). */
function variableSize(value: number): number {
  return Math.ceil(Math.log2(value + 1) / 7);
}

interface ListedBlock {
  readonly compressedSize: number;
  readonly storedSize: number;
  readonly uncompressedSize: number;
  readonly check: string;
  readonly headerSize: number;
  readonly unpaddedSize: number;
  readonly filters: string;
}

/** What `xz --list -vv --robot` says of the first block (xz(1), "ROBOT MODE"). */
function listBlock(file: Buffer): ListedBlock {
  const folder = mkdtempSync(join(tmpdir(), 'block-codec-'));
  try {
    const path = join(folder, 'block.xz');
    writeFileSync(path, file);
    const lines = execFileSync('xz', ['--robot', '--list', '-vv', path], { encoding: 'utf8' }).split('\n');
    const fields = lines.find((line) => line.startsWith('block\t'))?.split('\t') ?? [];
    const storedSize = Number(fields[6]);
    const checkSize = (fields[10] ?? '').length / 2;
    const headerSize = Number(fields[11]);
    const compressedSize = Number(fields[13]);
    return {
      storedSize,
      uncompressedSize: Number(fields[7]),
      check: (fields[9] ?? '').toLowerCase().replace('-', ''),
      headerSize,
      compressedSize,
      unpaddedSize: headerSize + compressedSize + checkSize,
      filters: fields[15] ?? '',
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
