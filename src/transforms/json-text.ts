/**
 * JSON as text, for changing single values of it: whatever is not changed stays to the byte, as JSON.parse and
 * JSON.stringify would not keep it (numbers beyond 2^53, 1.0, 1e400, escapes, keys that occur twice, the order of keys).
 *
 * All text here is the bytes of a document that was parsed before, one a character (latin1): so bytes that are no UTF-8
 * stay, too. What is no JSON gives anything.
 */

/** A key of an object and its value. */
export interface JsonField {
  /** As the document has it, in quotes. */
  readonly name: string;
  /** Without escapes, as text. */
  readonly key: string;
  /** As the document has it. */
  readonly value: string;
}

/** The fields of the object that `text` is, in their order, those of one key with it; undefined where it is no object. */
export function splitObject(text: string): JsonField[] | undefined {
  return splitItems(text, '{')?.map((item) => {
    const end = skipValue(item, 0);
    const name = item.slice(0, end);
    const colon = skipSpace(item, end);
    return { name, key: readString(name), value: item.slice(skipSpace(item, colon + 1)) };
  });
}

/** The items of the array that `text` is; undefined where it is no array. */
export function splitArray(text: string): string[] | undefined {
  return splitItems(text, '[');
}

/** The object of these fields, without white space between them. */
export function joinObject(fields: readonly Pick<JsonField, 'name' | 'value'>[]): string {
  return `{${fields.map(({ name, value }) => `${name}:${value}`).join(',')}}`;
}

export function joinArray(items: readonly string[]): string {
  return `[${items.join(',')}]`;
}

/** What JSON.stringify makes of `value`, in the form that texts have here. */
export function writeJson(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('latin1');
}

/**
 * `fields` with `value` in place of that of the first field whose key `isMeant`, without the others of them; at the end,
 * under `key`, where there is none.
 */
export function replaceField(
  fields: readonly JsonField[],
  key: string,
  isMeant: (key: string) => boolean,
  value: string,
): JsonField[] {
  const first = fields.find((field) => isMeant(field.key));
  const made = { name: first?.name ?? writeJson(key), key, value };
  if (first === undefined) return [...fields, made];
  return fields.flatMap((field) => (field === first ? [made] : isMeant(field.key) ? [] : [field]));
}

/** Whether Go's encoding/json takes `key` for `name`, of small letters: in any case, with ſ for s and the Kelvin sign for k. */
export function isGoKey(key: string, name: string): boolean {
  return key.toUpperCase().toLowerCase() === name;
}

/** `text` without what has no meaning: white space and the ways to write one string. Numbers stay as they are written. */
export function tidyJson(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|[ \t\r\n]+/g, (token) =>
    token.startsWith('"') ? writeJson(readString(token)) : '',
  );
}

/** The items between the brackets of `text`, white space around them left out. */
function splitItems(text: string, bracket: '{' | '['): string[] | undefined {
  const items: string[] = [];
  let at = skipSpace(text, 0);
  if (text[at] !== bracket) return undefined;
  const close = bracket === '{' ? '}' : ']';
  at = skipSpace(text, at + 1);
  while (at < text.length && text[at] !== close) {
    const start = at;
    while (at < text.length && text[at] !== ',' && text[at] !== close) at = skipValue(text, at);
    items.push(text.slice(start, at).trimEnd());
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return items;
}

/** Behind the string, array, object or any other character at `start`. The depth of a document costs no stack. */
function skipValue(text: string, start: number): number {
  if (text[start] === '"') return skipString(text, start);
  if (text[start] !== '{' && text[start] !== '[') return start + 1;
  let depth = 0;
  for (let at = start; at < text.length;) {
    const sign = text[at];
    if (sign === '"') at = skipString(text, at);
    else at += 1;
    if (sign === '{' || sign === '[') depth += 1;
    else if ((sign === '}' || sign === ']') && --depth === 0) return at;
  }
  return text.length;
}

function skipString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && ' \t\r\n'.includes(text[at] ?? '-')) at += 1;
  return at;
}

function readString(text: string): string {
  return String(JSON.parse(Buffer.from(text, 'latin1').toString('utf8')));
}
