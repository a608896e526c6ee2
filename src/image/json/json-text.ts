/** A place in JSON text that moves on value by value and sees every key, also the second of one name: JSON.parse drops those. */

/** Go's encoding/json gives up below this depth (decode.go, "maxNestingDepth"). */
export const deepestNesting = 10_000;

/** The kinds of JSON values, by the first character. */
export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';

/** Moves through `text`, which must be one JSON value: whoever makes one of these has checked it. */
export class JsonText {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** What the next value is. */
  peekKind(): JsonKind {
    const first = this.#peek();
    if (first === '{') return 'object';
    if (first === '[') return 'array';
    if (first === '"') return 'string';
    if (first === 'n') return 'null';
    return first === 't' || first === 'f' ? 'boolean' : 'number';
  }

  /** The next value, which is no object and no array, as it is written. */
  takeScalar(): string {
    const isString = this.#peek() === '"';
    const start = this.#position;
    if (isString) this.#position = endOfString(this.#text, start);
    else while (isOfWord(this.#text.charCodeAt(this.#position))) this.#position += 1;
    return this.#text.slice(start, this.#position);
  }

  /** The next value, a string or a key, without escapes. */
  takeString(): string {
    return JSON.parse(this.takeScalar()) as string;
  }

  /** Calls `take` at each element of the next value, an array; it must take the element. */
  takeArray(take: (index: number) => void): void {
    this.#skip('[');
    for (let index = 0; !this.#skip(']'); index += 1) {
      take(index);
      this.#skip(',');
    }
  }

  /** Calls `take` at each value of the next value, an object, in the order of the text; it must take the value. */
  takeObject(take: (key: string) => void): void {
    this.#skip('{');
    while (!this.#skip('}')) {
      const key = this.takeString();
      this.#skip(':');
      take(key);
      this.#skip(',');
    }
  }

  /** Moves behind the next value, however deep it is. */
  skipValue(): void {
    let depth = 0;
    do {
      if (this.#skip('{') || this.#skip('[')) depth += 1;
      else if (this.#skip('}') || this.#skip(']')) depth -= 1;
      else if (!this.#skip(',') && !this.#skip(':')) this.takeScalar();
    } while (depth > 0);
  }

  /** The first character that is no space. Moves up to it. */
  #peek(): string {
    while (isSpace(this.#text.charCodeAt(this.#position))) this.#position += 1;
    return this.#text[this.#position] ?? '';
  }

  /** Moves behind `sign` where it is next, and says whether it was. */
  #skip(sign: string): boolean {
    const isNext = this.#peek() === sign;
    if (isNext) this.#position += 1;
    return isNext;
  }
}

/** Whether something in `text`, JSON or nearly so, lies in more than `depth` arrays and objects. */
export function isDeeperThan(text: string, depth: number): boolean {
  let open = 0;
  for (let position = 0; position < text.length; position += 1) {
    const code = text.charCodeAt(position);
    if (code === 0x22) position = endOfString(text, position) - 1;
    else if (code === 0x5b || code === 0x7b) open += 1;
    else if (code === 0x5d || code === 0x7d) open -= 1;
    if (open > depth) return true;
  }
  return false;
}

/** Where the string that starts at `start` ends: behind its second quote. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text[quote - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return text.length;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Of a number, true, false or null: anything but a space and `,` `]` `}`; past the end there is NaN. */
function isOfWord(code: number): boolean {
  return code > 0x20 && code !== 0x2c && code !== 0x5d && code !== 0x7d;
}
