/** Frames: what is in them, that they depend on content and level alone, and that damage is noticed. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { crc64 } from '../../../src/addon/block-codec.ts';
import { decodeFrame, encodeFrame, libzstdVersion } from '../../../src/addon/frame-codec.ts';
import { contentKey } from '../../../src/plan/layout/content-key.ts';
import { digestOf } from '../../../src/ground/digest.ts';
import { pieceOf } from '../../../src/plan/cut/piece-cutter.ts';
import { encodeContent, readFrameBack } from '../../../src/bundle/zst/frame-maker.ts';
import { completeZstProfile, isProfileOfLevel, zstProfileName } from '../../../src/bundle/zst/zst-profile.ts';

const text = Buffer.concat(
  Array.from({ length: 20_000 }, (_, index) => Buffer.from(`${(index * 7919) % 10_007} a line of text\n`)),
);
const contents: Readonly<Record<string, Buffer>> = {
  nothing: Buffer.alloc(0),
  'a byte': Buffer.from('x'),
  text,
  'three megabytes of noise and zeros': Buffer.concat([randomBytes(1 << 20), Buffer.alloc(1 << 20), text]),
};

describe('encodeContent', () => {
  it.each(Object.entries(contents))(
    'makes one frame of %s, with size and checksum',
    async (_name, content) => {
      const key = contentKey(pieceOf(content));
      const { record, bytes } = await encodeContent(key, content, completeZstProfile(9));
      const digest = digestOf(bytes);
      expect(record).toEqual({
        ...{ key, unpaddedSize: bytes.length, uncompressedSize: content.length },
        ...{ digest, crc64: crc64(bytes) },
      });
      // Frame_Header_Descriptor (RFC 8878 §3.1.1.1.1): Content_Checksum_flag, and a size or Single_Segment_flag.
      const descriptor = bytes[4] ?? 0;
      expect(descriptor & 0b100).toBe(0b100);
      expect(descriptor & 0b11100000).not.toBe(0);
      const { stdout, status } = spawnSync('zstd', ['-dc'], { input: bytes, maxBuffer: 1 << 26 });
      expect(status).toBe(0);
      expect(stdout.equals(content)).toBe(true);
    },
  );

  it('makes the same frame on every thread, whatever was encoded before', async () => {
    const wanted = (await encodeFrame(text, 9)).bytes;
    const levels = [1, 9, 19, 9, 3, 9, 12, 9, 9, 9];
    const made = await Promise.all(
      levels.map((level, index) => encodeFrame(level === 9 ? text : text.subarray(index), level)),
    );
    const same = made.filter((_, index) => levels[index] === 9);
    expect(same).toHaveLength(6);
    for (const { bytes } of same) expect(bytes.equals(wanted)).toBe(true);
  });

  it('breaks off what is aborted, and never begins what waits', async () => {
    const stopping = new AbortController();
    const large = Buffer.concat(Array.from({ length: 40 }, () => text));
    const { signal } = stopping;
    const encoding = [large, text].map((content) => encodeFrame(content, 19, { signal }));
    stopping.abort(new Error('enough'));
    for (const one of await Promise.allSettled(encoding)) {
      expect(one).toMatchObject({ status: 'rejected', reason: { message: 'enough' } });
    }
    await expect(encodeFrame(text, 1, { signal })).rejects.toThrow('enough');
  });

  it('refuses levels that are none', async () => {
    for (const level of [0, 20, 1.5, Number.NaN])
      await expect(encodeFrame(text, level)).rejects.toThrow(RangeError);
  });
});

describe('readFrameBack', () => {
  it('throws encode-failed for other content, for two frames, and for any flipped bit', async () => {
    const content = text.subarray(0, 300);
    const { bytes } = await encodeFrame(content, 9);
    await readFrameBack(content, bytes);
    const other = Buffer.from(content);
    other[17] = 1;
    await expect(readFrameBack(other, bytes)).rejects.toMatchObject({ code: 'encode-failed' });
    const two = Buffer.concat([bytes, bytes]);
    await expect(readFrameBack(content, two)).rejects.toMatchObject({ code: 'encode-failed' });
    let noticedCount = 0;
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      // Some frames of other bytes have the same content: one bit of the header is unused, for one.
      const read = await decodeFrame(damaged, content.length).catch(() => undefined);
      expect(read === undefined || read.equals(content), `bit ${bit}`).toBe(true);
      if (read === undefined) noticedCount += 1;
    }
    expect(noticedCount).toBeGreaterThan(bytes.length * 7);
  });
});

describe('zstProfileName', () => {
  it('names version and level: with another of them, the same content has another frame in the cache', () => {
    expect(zstProfileName({ libzstd: '1.5.4', level: 9 })).toBe('zst9-1.5.4');
    expect(zstProfileName(completeZstProfile(19))).toBe(`zst19-${libzstdVersion()}`);
    expect(isProfileOfLevel('zst9-1.5.7', 9)).toBe(true);
    expect(isProfileOfLevel('zst19-1.5.7', 9)).toBe(false);
    expect(isProfileOfLevel('zst9-1.5.7', 1)).toBe(false);
  });
});
