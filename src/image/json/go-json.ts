/** JSON as Go's encoding/json reads it into types: what docker takes, and what it refuses. */
import { isGoTime } from './go-time.ts';
import { deepestNesting, isDeeperThan, JsonText } from './json-text.ts';

/** How one Go type is read. `before` is what an earlier key of the same name has left: Go reads over it. */
export interface GoType<T> {
  /** What was wanted, for messages: `a list`. */
  readonly wanted: string;
  /** Takes the next value of `json`. Throws GoJsonFault. */
  read(json: JsonText, before: T | undefined): T | undefined;
}

export type GoValue<Type> = Type extends GoType<infer T> ? T : never;

/** Why Go refuses some JSON: `config.Env is an object, a list was expected`, `it is not JSON`. */
export class GoJsonFault extends Error {
  override readonly name = 'GoJsonFault';
  readonly path: string;
  readonly finding: string;

  /** `finding` is said of the value at `path`: `.config.Env`, empty for all of the JSON. */
  constructor(path: string, finding: string) {
    super(`${path === '' ? 'it' : path.replace(/^\./, '')} ${finding}`);
    this.path = path;
    this.finding = finding;
  }
}

/**
 * The value of `bytes` as Go 1.19 to 1.24 would have it (encoding/json, decode.go): keys count in whatever case, of keys
 * that come twice the last one is read over the first, null leaves what is there, and bytes that are no UTF-8 are taken
 * for U+FFFD. Undefined for null. Throws GoJsonFault.
 */
export function readGoJson<T>(bytes: Uint8Array, type: GoType<T>): T | undefined {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  if (text.startsWith('\ufeff'))
    throw new GoJsonFault('', 'starts with a byte order mark, which JSON must not have');
  if (isDeeperThan(text, deepestNesting)) {
    throw new GoJsonFault('', `has more than ${deepestNesting} arrays and objects in each other`);
  }
  if (!isJsonText(text)) throw new GoJsonFault('', 'is not JSON');
  return type.read(new JsonText(text), undefined);
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** `string`. */
export const goString: GoType<string> = scalar('a string', 'string', (token) => JSON.parse(token) as string);

/** `bool`. */
export const goBool: GoType<boolean> = scalar('true or false', 'boolean', (token) => token === 'true');

/** `int64`: no fraction, no exponent, 64 bits. */
export const goInt: GoType<bigint> = scalar('a whole number of 64 bits', 'number', (token) => {
  if (!/^-?\d+$/.test(token)) return undefined;
  const number = BigInt(token);
  return BigInt.asIntN(64, number) === number ? number : undefined;
});

/** `time.Time`, as it is written. */
export const goTime: GoType<string> = scalar('a time as in RFC 3339', 'string', (token) =>
  isGoTime(token) ? token.slice(1, -1) : undefined,
);

/** `*T`: null takes away what an earlier key has left. */
export function goPointer<T>(type: GoType<T>): GoType<T> {
  return {
    wanted: type.wanted,
    read: (json, before) => (takeNull(json) ? undefined : type.read(json, before)),
  };
}

/** `[]T`. An element that is null leaves what an earlier list has at its place (golang/go#21092), and is `zero` otherwise. */
export function goSlice<T>(type: GoType<T>, zero: T): GoType<readonly T[]> {
  const wanted = 'a list';
  return {
    wanted,
    read(json, before = []) {
      if (takeNull(json)) return undefined;
      expectKind(json, 'array', wanted);
      const elements: T[] = [];
      json.takeArray((index) => {
        elements.push(below(`[${index}]`, () => type.read(json, before[index])) ?? zero);
      });
      return elements;
    },
  };
}

/** `map[string]T`. */
export function goMap<T>(type: GoType<T>, zero: T): GoType<ReadonlyMap<string, T>> {
  const wanted = 'an object';
  return {
    wanted,
    read(json, before) {
      if (takeNull(json)) return undefined;
      expectKind(json, 'object', wanted);
      const entries = new Map(before);
      json.takeObject((key) => {
        entries.set(key, below(`.${key}`, () => type.read(json, undefined)) ?? zero);
      });
      return entries;
    },
  };
}

type Fields = Readonly<Record<string, GoType<unknown>>>;
type Struct<F extends Fields> = { readonly [Key in keyof F]?: GoValue<F[Key]> | undefined };

/** A struct; other keys than those of `fields` are passed over. */
export function goStruct<F extends Fields>(fields: F): GoType<Struct<F>> {
  const wanted = 'an object';
  const names = new Map(Object.keys(fields).map((name) => [foldCase(name), name]));
  return {
    wanted,
    read(json, before = {}) {
      if (takeNull(json)) return before;
      expectKind(json, 'object', wanted);
      const values: Record<string, unknown> = { ...before };
      json.takeObject((key) => {
        const name = names.get(foldCase(key));
        const field = name === undefined ? undefined : fields[name];
        if (name === undefined || field === undefined) json.skipValue();
        else values[name] = below(`.${name}`, () => field.read(json, values[name]));
      });
      return values as Struct<F>;
    },
  };
}

/** docker's `strslice.StrSlice`: a list of strings, or one string in place of it. */
export const goStringOrSlice: GoType<readonly string[]> = {
  wanted: 'a list or a string',
  read(json) {
    if (takeNull(json)) return undefined;
    if (json.peekKind() === 'string') return [json.takeString()];
    expectKind(json, 'array', 'a list or a string');
    return goSlice(goString, '').read(json, undefined);
  },
};

/** Go's null for anything but pointers, lists and maps: it changes nothing. */
function scalar<T>(
  wanted: string,
  kind: 'string' | 'number' | 'boolean',
  parse: (token: string) => T | undefined,
): GoType<T> {
  return {
    wanted,
    read(json, before) {
      if (takeNull(json)) return before;
      expectKind(json, kind, wanted);
      const token = json.takeScalar();
      const value = parse(token);
      if (value === undefined) throw new GoJsonFault('', `is ${shorten(token)}, ${wanted} was expected`);
      return value;
    },
  };
}

/** Moves behind the next value where it is null, and says whether it was. */
function takeNull(json: JsonText): boolean {
  const isNull = json.peekKind() === 'null';
  if (isNull) json.skipValue();
  return isNull;
}

function expectKind(json: JsonText, kind: ReturnType<JsonText['peekKind']>, wanted: string): void {
  const found = json.peekKind();
  if (found === kind) return;
  const article = found === 'null' ? '' : found === 'array' || found === 'object' ? 'an ' : 'a ';
  throw new GoJsonFault('', `is ${article}${found}, ${wanted} was expected`);
}

/** Runs `read`; a fault in there is one at `step`. */
function below<T>(step: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof GoJsonFault)) throw error;
    throw new GoJsonFault(`${step}${error.path}`, error.finding);
  }
}

function shorten(token: string): string {
  return token.length > 60 ? `${token.slice(0, 60)}…` : token;
}

/** Letters without their case, and the two signs besides ASCII whose case is an ASCII letter (encoding/json, fold.go). */
export function foldCase(key: string): string {
  return key
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    .replace(/\u017f/g, 's')
    .replace(/\u212a/g, 'k');
}
