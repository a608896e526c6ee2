/** How text that somebody else wrote is shown to people: what does not print is written as an escape. */

/**
 * What a terminal obeys or hides in place of printing it: control characters, line and paragraph separators, halves of
 * surrogate pairs, and what turns the direction of a line around or has no width. The variation selectors of pictures stay.
 */
const unprintable = /(?![\ufe00-\ufe0f])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** A joiner between two pictures makes one of them, such as a family: the only format character that is left. */
const joiner = '\u200d';
const endsWithPicture = /\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?$/u;
const startsWithPicture = /^\p{Extended_Pictographic}/u;

const shortForms: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * `text` as one line that no terminal acts on: `\n`, `\x1b`, and from U+007F on `\u202e` for each UTF-16 unit. Other
 * characters stay, a backslash also, so that the result of a result is the same again, and JSON in one line keeps its value.
 */
export function showText(text: string): string {
  return text.replace(unprintable, (character, position: number) =>
    character === joiner && isBetweenPictures(text, position) ? character : escape(character),
  );
}

function isBetweenPictures(text: string, position: number): boolean {
  // A picture with its colour or variation is at most four UTF-16 units.
  const before = text.slice(Math.max(0, position - 4), position);
  return endsWithPicture.test(before) && startsWithPicture.test(text.slice(position + 1, position + 3));
}

function escape(character: string): string {
  const short = shortForms[character];
  if (short !== undefined) return short;
  return Array.from({ length: character.length }, (_, index) => {
    const unit = character.charCodeAt(index);
    return unit < 0x7f
      ? `\\x${unit.toString(16).padStart(2, '0')}`
      : `\\u${unit.toString(16).padStart(4, '0')}`;
  }).join('');
}
