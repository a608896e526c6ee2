import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAtHand } from '../../src/addon/device-io.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { noiseBytes } from './support/sample-bytes.ts';

describe('readAtHand', () => {
  it('reads what was just written, and nothing beyond the end, nor of a file that is not open for it', async () => {
    const path = join(await makeTempFolder(), 'file');
    const content = noiseBytes(100_000);
    await using file = await open(path, 'wx+');
    await file.write(content);
    const target = Buffer.alloc(1000);
    expect(readAtHand(file.fd, target, 98_765)).toBe(true);
    expect(target.equals(content.subarray(98_765, 99_765))).toBe(true);
    expect(readAtHand(file.fd, target, 99_500)).toBe(false);
    expect(readAtHand(file.fd, target, 200_000)).toBe(false);
    expect(readAtHand(file.fd, Buffer.alloc(0), 5)).toBe(true);
    await using writable = await open(path, 'a');
    expect(readAtHand(writable.fd, target, 0)).toBe(false);
    expect(() => readAtHand(-1, target, 0)).toThrow(RangeError);
  });
});
