/** Decoded files: any read is a slice of the content, whatever is at hand, and reading forwards is prepared for. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeBlock, liblzmaVersion } from '../../src/addon/block-codec.ts';
import { createDecodedBlocks } from '../../src/file/decoded-blocks.ts';
import { type DecodableBlock, openDecodedFile } from '../../src/file/decoded-file.ts';
import { readChunks } from '../../src/file/read-chunks.ts';
import { sliceFile } from '../../src/file/slice-file.ts';
import type { VirtualFile } from '../../src/file/virtual-file.ts';
import { joinStream } from '../support/join-stream.ts';
import { noiseBytes, textBytes } from '../addon/support/sample-bytes.ts';

const settings = { liblzma: liblzmaVersion(), preset: 0, extreme: false, check: 'crc64' } as const;
const contents = [
  ...[textBytes(5000, 'a'), noiseBytes(1, 'b'), Buffer.alloc(0), noiseBytes(3000, 'c')],
  ...[textBytes(70_000, 'd'), noiseBytes(17, 'e')],
];
const whole = Buffer.concat(contents);
let stored: Buffer;
let blocks: DecodableBlock[];

beforeAll(async () => {
  const encoded: Buffer[] = [];
  blocks = [];
  let [start, uncompressedStart] = [0, 0];
  for (const content of contents) {
    const { bytes, unpaddedSize } = await encodeBlock(content, settings);
    blocks.push({
      ...{ key: String(blocks.length), start, unpaddedSize, check: 'crc64' as const },
      ...{ uncompressedStart, uncompressedSize: content.length },
    });
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

describe('openDecodedFile', () => {
  it('reads any range as a slice, through a cache of any size, whole or sliced', async () => {
    const reads = fc.array(fc.tuple(fc.nat(whole.length + 10), fc.nat(80_000)), { maxLength: 8 });
    const part = fc.tuple(fc.nat(whole.length), fc.nat(whole.length));
    await fc.assert(
      fc.asyncProperty(reads, part, fc.constantFrom(1, 6000, 100_000), async (ranges, ends, cacheSize) => {
        const [start = 0, end = 0] = ends.toSorted((a, b) => a - b);
        const file = openDecodedFile(openStored(), blocks, { decoded: createDecodedBlocks(cacheSize) });
        const slice = sliceFile(file, start, end);
        for (const [position, length] of ranges) {
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
        }
      }),
      { numRuns: 60 },
    );
  });

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

  it('throws xz-corrupt for a block that is damaged, each time, and gives the others', async () => {
    const damaged = openStored();
    const place = blocks[3]?.start ?? 0;
    const read = (target: Uint8Array, position: number): Promise<number> => {
      const count = stored.copy(target, 0, position);
      if (position === place) target[40] = (target[40] ?? 0) ^ 1;
      return Promise.resolve(count);
    };
    const file = openDecodedFile({ ...damaged, read }, blocks);
    for (let round = 0; round < 2; round++) {
      await expect(file.read(Buffer.alloc(10), 5100)).rejects.toMatchObject({ code: 'xz-corrupt' });
    }
    expect(await file.read(Buffer.alloc(10), 10)).toBe(10);
  });
});
