/** scanTarHeader: what it takes for a header, and what it makes of fields that writers fill differently. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scanTarHeader } from '../../../src/format/tar/scan-tar-header.ts';
import { encodeTarHeader } from '../../../src/format/tar/tar-header.ts';
import { sealHeader } from './tar-fixture.ts';

/** The header block of a member, changed by `edit` and sealed again. */
function headerWith(edit: (block: Buffer) => void, name = 'app/main.js', size = 700): Buffer {
  const block = Buffer.from(encodeTarHeader({ name, size }).subarray(-512));
  edit(block);
  sealHeader(block);
  return block;
}

describe('scanTarHeader', () => {
  test('gives size and path of what encodeTarHeader writes, above 8 GiB too', () => {
    fc.assert(
      fc.property(fc.nat(Number.MAX_SAFE_INTEGER - 1), fc.stringMatching(/^[a-z/]{1,100}$/), (size, name) => {
        const header = scanTarHeader(headerWith(() => undefined, name, size));
        expect(header).toMatchObject({ contentSize: size, path: name });
      }),
    );
  });

  test.each<[string, string, string, string]>([
    ['ustar', 'ustar\x0000', 'usr/share', 'usr/share/app/main.js'],
    ['GNU', 'ustar  \0', '14371562400\x0014371562400\0', 'app/main.js'],
    ['GNU as Go before 1.8 wrote it', 'ustar  \0', 'usr/share', 'usr/share/app/main.js'],
    ['version 7', '', 'usr/share', 'app/main.js'],
  ])('joins prefix and name where a header has a prefix: %s', (_, magic, bytes, path) => {
    const block = headerWith((header) => {
      header.fill(0, 257, 265).write(magic, 257, 'latin1');
      header.write(bytes, 345, 'latin1');
    });
    expect(scanTarHeader(block)?.path).toBe(path);
  });

  test('takes 131 bytes of a star header for its prefix', () => {
    const block = headerWith((header) => {
      header.write('p'.repeat(155), 345, 'latin1');
      header.write('tar\0', 508, 'latin1');
    });
    expect(scanTarHeader(block)?.path).toBe(`${'p'.repeat(131)}/app/main.js`);
  });

  test('hashes the name and the size, and neither times nor modes nor owners', () => {
    const hash = scanTarHeader(headerWith(() => undefined))?.nameHash;
    const touched = headerWith((block) => {
      block.write('0000755\x000001750\x000001750\x00', 100, 'latin1');
      block.write('14700000000\x00', 136, 'latin1');
    });
    expect(scanTarHeader(touched)?.nameHash).toBe(hash);
    expect(scanTarHeader(headerWith(() => undefined, 'app/main.ts'))?.nameHash).not.toBe(hash);
    expect(scanTarHeader(headerWith(() => undefined, 'app/main.js', 701))?.nameHash).not.toBe(hash);
  });

  test('spreads the hashes of similar names evenly', () => {
    const lowCount = Array.from({ length: 4000 }, (_, index) =>
      scanTarHeader(headerWith(() => undefined, `src/file-${index}.js`)),
    ).filter((header) => (header?.nameHash ?? 0) < 2 ** 32 / 10).length;
    expect(lowCount).toBeGreaterThan(320);
    expect(lowCount).toBeLessThan(480);
  });

  test.each(['1', '2', '3', '4', '5', '6'])('knows no content after a header of type %s', (type) => {
    const block = headerWith((header) => void header.write(type, 156, 'latin1'));
    expect(scanTarHeader(block)?.contentSize).toBe(0);
  });

  test.each(['0', '\0', '7', 'x', 'g', 'L', 'K', 'S'])(
    'counts the content after a header of type %j',
    (type) => {
      const block = headerWith((header) => void header.write(type, 156, 'latin1'));
      expect(scanTarHeader(block)?.contentSize).toBe(700);
    },
  );

  test('takes a checksum over signed bytes, as old writers made it', () => {
    const block = headerWith((header) => void header.write('é', 0, 'latin1'));
    const sum = block.reduce(
      (total, byte, at) => total + (at >= 148 && at < 156 ? 0 : (byte << 24) >> 24),
      256,
    );
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    expect(scanTarHeader(block)?.contentSize).toBe(700);
  });

  test('takes zeros for a header without content', () => {
    expect(scanTarHeader(Buffer.alloc(512))).toMatchObject({
      contentSize: 0,
      path: '',
      nameHash: 0xffffffff,
    });
  });

  test('refuses all other bytes: noise, a wrong checksum, a size that is none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 512, maxLength: 512 }), (bytes) => {
        fc.pre(bytes.some((byte) => byte !== 0));
        expect(scanTarHeader(bytes)).toBeUndefined();
      }),
    );
    const wrongSum = headerWith(() => undefined);
    wrongSum[0] = 0x62;
    expect(scanTarHeader(wrongSum)).toBeUndefined();
    const sizes = ['-0000000001', '0000000008x', '\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe'];
    for (const size of sizes) {
      expect(scanTarHeader(headerWith((block) => void block.write(size, 124, 'latin1')))).toBeUndefined();
    }
  });
});
