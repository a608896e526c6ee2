/** decodeXzInto against files of the real xz, whole and damaged. */
import { describe, expect, it } from 'vitest';
import { decodeXzInto } from '../../src/addon/decode-xz-into.ts';
import { runXz } from './support/run-xz.ts';
import { noiseBytes, textBytes } from './support/sample-bytes.ts';

const content = textBytes(1_500_000);
const file = runXz(['-zc', '-1'], content);

async function decode(parts: readonly Uint8Array[], size: number): Promise<Buffer> {
  const target = Buffer.alloc(size);
  await decodeXzInto(parts, target);
  return target;
}

describe('decodeXzInto', () => {
  it.each([
    { name: 'one block', xz: file, wanted: content },
    { name: 'several blocks', xz: runXz(['-zc', '-0', '--block-size=400000'], content), wanted: content },
    {
      name: 'content of one step',
      xz: runXz(['-zc'], content.subarray(0, 262_144)),
      wanted: content.subarray(0, 262_144),
    },
    { name: 'nothing inside', xz: runXz(['-zc'], Buffer.alloc(0)), wanted: Buffer.alloc(0) },
    {
      name: 'noise',
      xz: runXz(['-zc', '-0', '--check=sha256'], noiseBytes(600_000)),
      wanted: noiseBytes(600_000),
    },
  ])('fills the buffer from a file with $name, in any parts', async ({ xz, wanted }) => {
    for (const place of [0, 12, Math.floor(xz.length / 2), xz.length]) {
      const parts = [xz.subarray(0, place), xz.subarray(place)];
      expect((await decode(parts, wanted.length)).equals(wanted)).toBe(true);
    }
  });

  it('tells of what is there, step by step', async () => {
    const target = Buffer.alloc(content.length);
    const sizes: number[] = [];
    await decodeXzInto([file], target, {
      onFilled: (size) => {
        sizes.push(size);
        expect(target.subarray(0, size).equals(content.subarray(0, size))).toBe(true);
      },
    });
    expect(sizes.length).toBeGreaterThan(4);
    expect(sizes).toEqual([...new Set(sizes)].sort((a, b) => a - b));
    expect(sizes.at(-1)).toBe(content.length);
  });

  it('throws xz-corrupt where content is longer or shorter than said, or a byte is changed, and xz-truncated', async () => {
    for (const size of [0, 1000, content.length - 1, content.length + 1]) {
      await expect(decode([file], size)).rejects.toMatchObject({ code: 'xz-corrupt' });
    }
    for (const place of [3, 200, Math.floor(file.length / 2), file.length - 30, file.length - 5]) {
      const damaged = Buffer.from(file);
      damaged.writeUInt8(damaged.readUInt8(place) ^ 1, place);
      await expect(decode([damaged], content.length)).rejects.toMatchObject({ code: 'xz-corrupt' });
    }
    for (const end of [0, 10, 5000, file.length - 1]) {
      await expect(decode([file.subarray(0, end)], content.length)).rejects.toMatchObject({
        code: 'xz-truncated',
      });
    }
  });
});
