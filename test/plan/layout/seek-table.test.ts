import { describe, expect, it } from 'vitest';
import { encodeSeekTable } from '../../../src/plan/layout/seek-table.ts';

describe('encodeSeekTable', () => {
  it('writes what the zstd seekable format says, to the byte', () => {
    const entries = [
      { frameSize: 0x11, contentSize: 0x2233 },
      { frameSize: 0x445566, contentSize: 0 },
    ];
    const words = [
      '5e2a4d18 19000000', // skippable frame of 25 bytes
      '11000000 33220000',
      '66554400 00000000',
      '02000000 00 b1ea928f', // two frames, no checksums
    ];
    expect(encodeSeekTable(entries).toString('hex')).toBe(words.join('').replaceAll(' ', ''));
  });

  it('has an entry of eight bytes for each frame, and 17 bytes besides', () => {
    expect(encodeSeekTable([])).toHaveLength(17);
    const entries = Array.from({ length: 1000 }, () => ({ frameSize: 9, contentSize: 1 }));
    expect(encodeSeekTable(entries)).toHaveLength(8017);
  });

  it('throws for a frame that the format cannot hold', () => {
    expect(() => encodeSeekTable([{ frameSize: 2 ** 32, contentSize: 1 }])).toThrow(RangeError);
  });
});
