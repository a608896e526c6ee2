import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BundleError, hintLines, stackLines } from '../../src/ground/errors.ts';
import { formatRows, formatTable, shorten } from '../../src/ground/format-text.ts';
import { showText } from '../../src/ground/show-text.ts';
import { findForbidden, forbiddenTexts } from '../support/unprintable.ts';

/** Texts of what does not print, what does, and what a terminal makes of several of them. */
const nasty = fc
  .array(
    fc.oneof(
      fc.constantFrom(...forbiddenTexts),
      fc.constantFrom(
        '\x1b[31m',
        '\x1b]0;title\x07',
        '\nforged line',
        '\r',
        '\x9b2J',
        '\u200d',
        'ä',
        '日',
        '👩‍💻',
      ),
      fc.string({ unit: 'binary' }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

describe('showText', () => {
  it.each([
    ['a\tb\nc\rd', 'a\\tb\\nc\\rd'],
    ['\x1b[31mred\x07\x00', '\\x1b[31mred\\x07\\x00'],
    ['\x7f\x9b\u202e\u2028\ufeff', '\\u007f\\u009b\\u202e\\u2028\\ufeff'],
    ['half \ud83d, tag \u{e0001}', 'half \\ud83d, tag \\udb40\\udc01'],
    ['join\u200ded', 'join\\u200ded'],
  ])('shows %j as %j', (text, shown) => {
    expect(showText(text)).toBe(shown);
  });

  it.each([
    'Größe für Ägypten – naïve café',
    '日本語のファイル 한국어 العربية עברית ไทย हिन्दी',
    'C:\\path\\new, "quoted", 100 % <b>&amp;</b>',
    'e\u0301 with a mark of its own, no\u00a0break',
    '👍🏽 👨‍👩‍👧‍👦 👩🏽‍💻 🏳️‍🌈 ❤️‍🔥 🇩🇪 1️⃣',
  ])('leaves %s as it is', (text) => {
    expect(showText(text)).toBe(text);
  });

  it('leaves nothing that a terminal obeys, whatever the text, and shows what it has shown as the same', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const shown = showText(text);
        expect(
          findForbidden(shown.replace(/(?<=[\p{Emoji}\ufe0f])\u200d(?=\p{Extended_Pictographic})/gu, '')),
        ).toBeUndefined();
        expect(stripVTControlCharacters(shown)).toBe(shown);
        expect(showText(shown)).toBe(shown);
      }),
    );
  });

  it('leaves none of the code points that a line may not have', () => {
    expect(forbiddenTexts.filter((text) => findForbidden(showText(`a${text}b`)) !== undefined)).toEqual([]);
    expect(forbiddenTexts.length).toBeGreaterThan(2000);
  });

  it('leaves JSON in one line the same value', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        expect(JSON.parse(showText(JSON.stringify({ [text]: text })))).toEqual({ [text]: text });
      }),
    );
  });
});

describe('lines that are made of foreign text', () => {
  it('the message of an error is one line, and so is each line of its hint, also where it is passed on', () => {
    fc.assert(
      fc.property(nasty, nasty, (name, other) => {
        const error = new BundleError('source-failed', `Cannot read "${name}"`, {
          hint: [`Make ${name}`, other],
        });
        expect(findForbidden(error.message.replaceAll('\u200d', ''))).toBeUndefined();
        expect(hintLines(error)).toHaveLength(2);
        const again = new BundleError(error.code, error.message, { hint: hintLines(error), cause: error });
        expect([again.message, again.hint]).toEqual([error.message, error.hint]);
        expect(new BundleError('source-failed', name, { hint: name }).hint).not.toContain('\n');
      }),
    );
  });

  it('a table has a line for each row, with its columns below each other as they are shown', () => {
    fc.assert(
      fc.property(fc.array(nasty, { minLength: 1, maxLength: 5 }), (names) => {
        const rows = names.map((name) => [`${name}.`, 'end']);
        const lines = formatTable(['name', 'what'], rows);
        expect(lines).toHaveLength(rows.length + 1);
        expect(new Set(lines.slice(1).map((line) => line.lastIndexOf('end'))).size).toBe(1);
        expect(formatRows(rows)).toHaveLength(rows.length);
      }),
    );
  });

  it('a text is cut between characters, and after it was shown', () => {
    expect(shorten('RUN \x1b[31m👍👍👍', 12)).toBe('RUN \\x1b[31m');
    expect(shorten('👍👍👍', 2)).toBe('👍👍');
    fc.assert(
      fc.property(nasty, fc.integer({ min: 0, max: 20 }), (text, width) => {
        const cut = shorten(text, width);
        expect(Array.from(cut).length).toBeLessThanOrEqual(width);
        expect(showText(text).startsWith(cut) || cut.includes('\\')).toBe(true);
      }),
    );
  });

  it('a stack begins with one line, whatever the message is', () => {
    const [first, second] = stackLines(new Error('a\n    at forged (file.js:1:1)\nb'));
    expect(first).toBe('Error: a\n    at forged (file.js:1:1)\nb'); // one line for the printer
    expect(second).toMatch(/^ {4}at .*show-text\.test\.ts/);
    expect(stackLines(new Error(''))[0]).toMatch(/^Error/);
    expect(stackLines('text')).toEqual(['text']);
  });
});
