/** Decoded files: any read is a slice of the content, whatever is at hand, and reading forwards is prepared for. */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { encodeBlock, liblzmaVersion } from '../../src/addon/block-codec.ts';
import { createDecodedBlocks } from '../../src/file/decoded-blocks.ts';
import { type DecodableBlock, openDecodedFile } from '../../src/file/decoded-file.ts';
import { readChunks } from '../../src/file/read-chunks.ts';
import { sliceFile } from '../../src/file/slice-file.ts';
import { createSpill } from '../../src/file/spill.ts';
import type { VirtualFile } from '../../src/file/virtual-file.ts';
import { joinStream } from '../support/join-stream.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { noiseBytes, textBytes } from '../addon/support/sample-bytes.ts';

const settings = { liblzma: liblzmaVersion(), preset: 0, extreme: false, check: 'crc64' } as const;
const contents = [
  ...[textBytes(5000, 'a'), noiseBytes(1, 'b'), Buffer.alloc(0), noiseBytes(3000, 'c')],
  ...[textBytes(70_000, 'd'), noiseBytes(17, 'e')],
];
const whole = Buffer.concat(contents);
let stored: Buffer;
let blocks: DecodableBlock[];
/** The same, with the sums of their stored bytes. */
let knownBlocks: DecodableBlock[];

beforeAll(async () => {
  const encoded: Buffer[] = [];
  blocks = [];
  knownBlocks = [];
  let [start, uncompressedStart] = [0, 0];
  for (const content of contents) {
    const { bytes, unpaddedSize, crc64 } = await encodeBlock(content, settings);
    const block = {
      ...{ key: String(blocks.length), start, unpaddedSize, check: 'crc64' as const },
      ...{ uncompressedStart, uncompressedSize: content.length },
    };
    blocks.push(block);
    knownBlocks.push({ ...block, crc64 });
    encoded.push(bytes);
    start += bytes.length;
    uncompressedStart += content.length;
  }
  stored = Buffer.concat(encoded);
});

/** The stored blocks, and where they were read. */
function openStored(): VirtualFile & { readonly reads: number[] } {
  const reads: number[] = [];
  const file = {
    size: stored.length,
    reads,
    read: (target: Uint8Array, position: number) => {
      reads.push(position);
      return Promise.resolve(stored.copy(target, 0, position));
    },
    stream: () => readChunks(file),
    close: () => Promise.resolve(),
  };
  return file;
}

function mountSmallDisk(folder: string, size: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]);
  onTestFinished(() => {
    execFileSync('umount', ['--lazy', folder]);
  });
}

describe('openDecodedFile', () => {
  it.each([
    ...[
      { name: 'no spill' },
      { name: 'a spill', limit: Infinity },
      { name: 'a tiny spill', limit: 7000 },
      { name: 'a spill of nothing', limit: 0 },
      { name: 'a spill on a full disk', limit: Infinity, diskSize: '64k' },
    ].flatMap((row) => [
      { ...row, isKnown: false, how: 'whole' },
      { ...row, isKnown: true, how: 'as they come' },
    ]),
  ])(
    'reads any range as a slice, whole or sliced, through memory of any size and $name, blocks $how',
    async ({ limit, diskSize, isKnown }) => {
      const folder = await makeTempFolder();
      if (diskSize !== undefined) mountSmallDisk(folder, diskSize);
      const reads = fc.array(fc.tuple(fc.nat(whole.length + 10), fc.nat(80_000)), { maxLength: 8 });
      const part = fc.tuple(fc.nat(whole.length), fc.nat(whole.length));
      const cacheSizes = fc.constantFrom(1, 6000, 100_000);
      await fc.assert(
        fc.asyncProperty(
          reads,
          part,
          cacheSizes,
          fc.boolean(),
          async (ranges, ends, cacheSize, areTogether) => {
            const [start = 0, end = 0] = ends.toSorted((a, b) => a - b);
            await using spill = createSpill({ folder, limit: () => limit ?? 0 });
            const decoded = createDecodedBlocks(cacheSize, limit === undefined ? {} : { spill });
            const file = openDecodedFile(openStored(), isKnown ? knownBlocks : blocks, { decoded });
            const slice = sliceFile(file, start, end);
            const check = async ([position, length]: readonly [number, number]): Promise<void> => {
              for (const [read, wanted] of [
                [file, whole],
                [slice, whole.subarray(start, end)],
              ] as const) {
                const expected = wanted.subarray(position, position + length);
                const target = Buffer.alloc(length);
                const tried = read.tryRead(target, position);
                if (tried !== undefined) expect(target.subarray(0, tried).equals(expected)).toBe(true);
                target.fill(0);
                const count = await read.read(target, position);
                expect(target.subarray(0, count).equals(expected)).toBe(true);
              }
            };
            if (areTogether) await Promise.all(ranges.map(check));
            else for (const range of ranges) await check(range);
          },
        ),
        { numRuns: 40 },
      );
    },
  );

  it('streams the same, and a slice of it', async () => {
    const file = openDecodedFile(openStored(), blocks);
    expect((await joinStream(file.stream())).equals(whole)).toBe(true);
    const slice = await joinStream(sliceFile(file, 4999, 78_000).stream({ start: 2 }));
    expect(slice.equals(whole.subarray(5001, 78_000))).toBe(true);
    expect(() => sliceFile(file, 0, whole.length + 1)).toThrow(RangeError);
  });

  it('answers at once what is at hand, and nothing else', async () => {
    const file = openDecodedFile(openStored(), blocks);
    const target = Buffer.alloc(100);
    expect(file.tryRead(target, 200)).toBeUndefined();
    await file.read(target, 0);
    expect(file.tryRead(target, 200)).toBe(100);
    expect(target).toEqual(whole.subarray(200, 300));
    expect(file.tryRead(target, 4950)).toBeUndefined(); // ends in the next block
    expect(file.tryRead(target, whole.length)).toBe(0);
  });

  it('decodes what lies ahead of a reader that goes forwards, and only what is asked for of one that jumps', async () => {
    const target = Buffer.alloc(1000);
    const jumping = openStored();
    const file = openDecodedFile(jumping, blocks);
    for (const position of [0, 3000, 1500]) await file.read(target, position);
    expect(jumping.reads).toEqual([0]);
    const forwards = openStored();
    const next = openDecodedFile(forwards, blocks);
    for (const position of [0, 1000]) await next.read(target, position);
    await expect.poll(() => forwards.reads.length).toBe(4);
    await expect.poll(() => next.tryRead(target, 10_000)).toBe(1000);
  });

  it('gives the bytes of a block whose sum is known as they are decoded, and of others when it is verified', async () => {
    const content = textBytes(3_000_000, 'large');
    const { bytes, unpaddedSize, crc64 } = await encodeBlock(content, settings);
    const large: DecodableBlock = {
      ...{ key: 'large', start: 0, unpaddedSize, check: 'crc64' },
      ...{ uncompressedStart: 0, uncompressedSize: content.length },
    };
    const reads: number[] = [];
    const xz: VirtualFile = {
      ...{ size: bytes.length, stream: () => readChunks(xz), close: () => Promise.resolve() },
      read: (target, position) => {
        reads.push(position);
        return Promise.resolve(bytes.copy(target, 0, position));
      },
    };
    const target = Buffer.alloc(1000);
    const last = Buffer.alloc(1000);
    const lastPosition = content.length - 1000;
    for (const isKnown of [true, false]) {
      const file = openDecodedFile(xz, [isKnown ? { ...large, crc64 } : large]);
      expect(await file.read(target, 7)).toBe(1000);
      expect(target.equals(content.subarray(7, 1007))).toBe(true);
      expect(file.tryRead(last, lastPosition)).toBe(isKnown ? undefined : 1000);
      expect(await file.read(last, lastPosition)).toBe(1000);
      expect(last.equals(content.subarray(lastPosition))).toBe(true);
    }
    expect(reads).toEqual([0, 0]);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 100) ^ 1, bytes.length - 100);
    const damaged = openDecodedFile(xz, [{ ...large, crc64 }]);
    await expect(damaged.read(target, 0)).rejects.toMatchObject({ code: 'xz-corrupt' });
  });

  it.each([true, false])(
    'throws xz-corrupt for a block that is damaged, each time, and gives the others; sum known: %s',
    async (isKnown) => {
      const damaged = openStored();
      const place = blocks[3]?.start ?? 0;
      const read = (target: Uint8Array, position: number): Promise<number> => {
        const count = stored.copy(target, 0, position);
        if (position === place) target[40] = (target[40] ?? 0) ^ 1;
        return Promise.resolve(count);
      };
      const file = openDecodedFile({ ...damaged, read }, isKnown ? knownBlocks : blocks);
      for (let round = 0; round < 2; round++) {
        await expect(file.read(Buffer.alloc(10), 5100)).rejects.toMatchObject({ code: 'xz-corrupt' });
      }
      expect(await file.read(Buffer.alloc(10), 10)).toBe(10);
    },
  );
});
