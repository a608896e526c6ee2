/** The `.tar.zst` of any split of some content is read as that content, by libzstd and by zstd. */
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeZstd } from '../../../src/addon/decode-zstd.ts';
import { contentKey } from '../../../src/plan/layout/content-key.ts';
import { pieceOf } from '../../../src/plan/cut/piece-cutter.ts';
import { encodeContent } from '../../../src/bundle/zst/frame-maker.ts';
import { completeZstProfile } from '../../../src/bundle/zst/zst-profile.ts';
import { layOutZst } from '../../../src/plan/layout/zst-layout.ts';
import { joinStream } from '../../support/join-stream.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

/** The bytes of the file whose frames have these contents. */
async function makeFile(pieces: readonly Uint8Array[]): Promise<Buffer> {
  const profile = completeZstProfile(3);
  const frames = await Promise.all(
    pieces.map((piece) => encodeContent(contentKey(pieceOf(piece)), piece, profile)),
  );
  const { size, extents } = layOutZst(frames.map(({ record }) => record));
  const parts = extents.map((extent, index) =>
    extent.kind === 'memory' ? extent.bytes : (frames[index]?.bytes ?? Buffer.alloc(0)),
  );
  const file = Buffer.concat(parts);
  expect(file).toHaveLength(size);
  let start = 0;
  for (const extent of extents) {
    expect(extent.start).toBe(start);
    start += extent.length;
  }
  return file;
}

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) {
    yield await Promise.resolve(bytes.subarray(start, start + size));
  }
}

describe('layOutZst', () => {
  it('gives a stream that decodes to the content, however that was split', async () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(200_000).map((size) => new Uint8Array(Buffer.alloc(size, 'content '))),
    );
    const splits = fc.tuple(fc.array(piece, { maxLength: 12 }), fc.integer({ min: 1, max: 5000 }));
    await fc.assert(
      fc.asyncProperty(splits, async ([pieces, chunkSize]) => {
        const file = await makeFile(pieces);
        const read = await joinStream(decodeZstd(inChunks(file, chunkSize), 'it'));
        expect(read.equals(Buffer.concat(pieces))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('is accepted by zstd, which counts its frames, finds the checksums and passes over the seek table', async () => {
    const path = join(await makeTempFolder(), 'x.tar.zst');
    const pieces = [Buffer.from('one'), Buffer.alloc(0), Buffer.alloc(70_000, 'three'), Buffer.from('four')];
    await writeFile(path, await makeFile(pieces));
    execFileSync('zstd', ['-tq', path]);
    expect(execFileSync('zstd', ['-dcq', path]).equals(Buffer.concat(pieces))).toBe(true);
    const listed = execFileSync('zstd', ['-lv', path]).toString();
    expect(listed).toMatch(/Zstandard Frames: 4\b/);
    expect(listed).toMatch(/Skippable Frames: 1\b/);
    expect(listed).toMatch(/Check: XXH64/);
    expect(listed).toMatch(/Decompressed Size: .*\(70007 B\)/);
  });

  it('lets a reader find any frame by the table at the end', async () => {
    const pieces = ['first', 'second', 'third'].map((text) => Buffer.from(text.repeat(100)));
    const file = await makeFile(pieces);
    const count = file.readUInt32LE(file.length - 9);
    expect(count).toBe(3);
    let position = file.length - 9 - 8 * count;
    let start = 0;
    for (const piece of pieces) {
      const [frameSize, contentSize] = [file.readUInt32LE(position), file.readUInt32LE(position + 4)];
      const frame = file.subarray(start, start + frameSize);
      expect(contentSize).toBe(piece.length);
      expect(execFileSync('zstd', ['-dcq'], { input: frame }).equals(piece)).toBe(true);
      start += frameSize;
      position += 8;
    }
  });

  it('gives no wrong content wherever a byte of a frame is another', async () => {
    const pieces = [Buffer.alloc(5000, 'ab'), Buffer.from('stored as it is, for it is short')];
    const file = await makeFile(pieces);
    const end = file.length - 17 - 16;
    await fc.assert(
      fc.asyncProperty(fc.nat(end - 1), fc.integer({ min: 1, max: 255 }), async (position, change) => {
        const damaged = Buffer.from(file);
        damaged[position] = (damaged[position] ?? 0) ^ change;
        const reading = joinStream(decodeZstd(inChunks(damaged, 4096), 'it'));
        const read = await reading.catch((error: unknown) => (error as { readonly code: string }).code);
        const isNoticed = typeof read === 'string' && /^archive-(corrupt|truncated|unsupported)$/.test(read);
        const isSame = typeof read !== 'string' && read.equals(Buffer.concat(pieces));
        expect(isNoticed || isSame).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
});
