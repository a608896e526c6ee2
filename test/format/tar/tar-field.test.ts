/** readTarNumber: each form that some writer has, as GNU tar and Go read it. */
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTarNumber } from '../../../src/format/tar/tar-field.ts';
import { base256, padded, rawHeader } from '../../fixtures/raw-members.ts';

const read = (field: string, width = 12): number | undefined =>
  readTarNumber(Buffer.from(field.padEnd(width, '\0'), 'latin1'), 0, width);

describe('readTarNumber', () => {
  it.each<[string, number]>([
    ['', 0],
    [' '.repeat(12), 0],
    ['   \0  \0', 0],
    ['5', 5],
    ['00000000017', 15],
    ['000000000017', 15],
    ['         17 ', 15],
    ['17          ', 15],
    ['\x0017', 15],
    ['\0\0\0\0\0\0\0\0\0\x0017', 15],
    ['17\0garbage', 15],
    ['17 garbage', 15],
    ['\0\0garbage', 0],
    ['  \0garbage', 0],
    ['  \x0017', 15],
    ['\t17', 15],
    ['777777777777', 8 ** 12 - 1],
    [base256(0, 12), 0],
    [base256(8 ** 12, 12), 8 ** 12],
    [base256(Number.MAX_SAFE_INTEGER, 12), Number.MAX_SAFE_INTEGER],
    [base256(-1, 12), -1],
    [base256(-86_400, 12), -86_400],
  ])('reads %j as %i', (field, number) => {
    expect(read(field)).toBe(number);
  });

  it.each(['five', '8', '17x', '-1', '+1', ' x', '\0x', '1.5', '0x1', `\x80${'\xff'.repeat(11)}`])(
    'takes %j for no number',
    (field) => {
      expect(read(field)).toBeUndefined();
    },
  );

  it('reads what it is written as, with whatever blanks and NULs around it', () => {
    const around = fc.array(fc.constantFrom(' ', '\0'), { maxLength: 4 }).map((signs) => signs.join(''));
    fc.assert(
      fc.property(around, fc.nat(0o7777777), around, (before, number, after) => {
        fc.pre(!before.startsWith('\0\0') || before.replaceAll('\0', '') === '');
        expect(read(`${before}${number.toString(8)}${after}`, 16)).toBe(number);
      }),
    );
    fc.assert(
      fc.property(fc.maxSafeInteger(), (number) => {
        expect(read(base256(number, 12))).toBe(number);
      }),
    );
  });

  it('reads the sizes that GNU tar reads, and the same ones', () => {
    const sign = fc.constantFrom(...'01234567 \0x9'.split(''));
    fc.assert(
      fc.property(fc.array(sign, { maxLength: 12 }), (signs) => {
        const field = signs.join('');
        const own = read(field);
        // Digits behind such a NUL count for Go, and so for every engine, and not for GNU tar.
        fc.pre(!/^\0? *\0[\0 ]*[0-7]/.test(field) && (own === undefined || own < 1_000_000));
        const archive = Buffer.concat([
          rawHeader({ name: 'a', fields: { size: field } }),
          padded(Buffer.alloc(own ?? 0, 1)),
          Buffer.alloc(1024),
        ]);
        const { status, stdout } = spawnSync('tar', ['-tv', '--numeric-owner'], {
          input: archive,
          encoding: 'latin1',
        });
        if (status === 0 && stdout !== '')
          expect({ field, size: Number(stdout.split(/ +/)[2]) }).toEqual({ field, size: own });
      }),
      { numRuns: 200 },
    );
  }, 60_000);
});
