/** What no line for people may hold: a list of its own, so that it is not the program's that is compared with itself. */

/** First and last code point of each run. */
const forbiddenRuns = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xd800, 0xdfff],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff9, 0xfffb],
  [0xe0001, 0xe007f],
] as const;

/** Each of them once, as a text of its own. */
export const forbiddenTexts: readonly string[] = forbiddenRuns
  .flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, index) => String.fromCodePoint(first + index)),
  )
  .filter((text) => text !== '\u200d'); // a joiner is one where it joins nothing

const forbidden = new RegExp(
  `[${forbiddenRuns.map(([first, last]) => `\\u{${first.toString(16)}}-\\u{${last.toString(16)}}`).join('')}]`,
  'u',
);

/** The first code point of `text` that may not be in a line, as a number; undefined if there is none. */
export function findForbidden(text: string): string | undefined {
  return forbidden.exec(text)?.[0].codePointAt(0)?.toString(16);
}
