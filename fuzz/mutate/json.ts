/** Changes JSON: values of other types and sizes, keys that are missing, doubled or spelt otherwise. */
import type { Random } from '../../sample/pseudo-content.mjs';
import { byteMutations, type Change, mutate } from './bytes.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Path = readonly (string | number)[];

/** Stands for the changed value while the document is printed. */
const mark = '\u0001mark';

const oddTexts: readonly [string, ...string[]] = [
  ...([
    '',
    ' ',
    '\0',
    '\n',
    '../../etc/passwd',
    '/etc/passwd',
    '.',
    '\u001b[31m',
    '\u202e',
    '\ufeff',
  ] as const),
  ...[
    'sha256:',
    `sha256:${'0'.repeat(64)}`,
    `sha256:${'A'.repeat(64)}`,
    `sha512:${'0'.repeat(128)}`,
    'x'.repeat(5000),
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'a:b',
    'a@sha256:',
    'docker.io/library/a:latest',
    '😀',
    '\ud800',
    'NaN',
  ],
  ...[
    '2024-13-45T99:99:99Z',
    '0001-01-01T00:00:00Z',
    'linux',
    'windows',
    'blobs/sha256/x',
    'layer.tar',
    'manifest.json',
  ],
];

const oddValues: readonly [string, ...string[]] = [
  ...([
    'null',
    'true',
    'false',
    '0',
    '-0',
    '-1',
    '1.5',
    '1e400',
    '9007199254740993',
    '18446744073709551616',
  ] as const),
  ...['[]', '{}', '[null]', '[[]]', '{"":null}', '""', '"x"', '1E2', '[1,2,3]', '{"sha256":{}}'],
];

/** Changes of JSON that stays JSON, and some that do not. `bytes` that are no JSON are changed as bytes. */
export function mutateJson(random: Random, bytes: Buffer): Change {
  const value = tryParse(bytes);
  if (value === undefined) return mutate(random, bytes, byteMutations);
  return mutate(random, bytes, [
    () => changeValue(random, value),
    () => changeValue(random, value),
    () => changeValue(random, value),
    () => changeText(random, bytes),
    () => mutate(random, bytes, byteMutations),
  ]);
}

/** A value of the document becomes another one. Numerals and keys are written as text, since JavaScript would tidy them. */
function changeValue(random: Random, root: Json): Change {
  const paths = listPaths(root);
  const path = paths[random.below(paths.length)] ?? [];
  const old = find(root, path);
  const replacement = random.below(3) === 0 ? changeOwn(random, old) : oddValue(random);
  const where = `/${path.join('/')}`;
  if (random.below(6) === 0 && path.length > 0) {
    return { result: print(replace(root, path, undefined)), note: `${where} left out` };
  }
  if (random.below(8) === 0 && typeof path.at(-1) === 'string') return respell(random, root, path);
  const text = print(replace(root, path, mark)).toString();
  const result = Buffer.from(text.split(JSON.stringify(mark)).join(replacement));
  return { result, note: `${where} is ${replacement.slice(0, 60)}` };
}

function changeOwn(random: Random, old: Json): string {
  if (typeof old === 'string') {
    const at = random.below(old.length + 1);
    const extra = oddTexts[random.below(oddTexts.length)] ?? '';
    return JSON.stringify(old.slice(0, at) + extra + old.slice(at + random.below(3)));
  }
  if (typeof old === 'number')
    return random.pick([`${old}.0`, `${old + 1}`, `-${old}`, `${old}e0`, `"${old}"`, `${old}e300`]);
  if (Array.isArray(old)) {
    const list = old as readonly Json[];
    return JSON.stringify(random.below(2) === 0 ? [...list, ...list] : [...list].reverse());
  }
  return JSON.stringify([old]);
}

function oddValue(random: Random): string {
  switch (random.below(5)) {
    case 0:
    case 1:
      return JSON.stringify(oddTexts[random.below(oddTexts.length)]);
    case 2:
      return deep(random.pick([50, 1000, 20_000]), random.below(2) === 0 ? '[' : '{"a":');
    default:
      return oddValues[random.below(oddValues.length)] ?? 'null';
  }
}

function deep(depth: number, opening: string): string {
  return opening.repeat(depth) + '0' + (opening === '[' ? ']' : '}').repeat(depth);
}

/** Go reads keys of any case, and takes the last of two. */
function respell(random: Random, root: Json, path: Path): Change {
  const key = String(path.at(-1));
  const parent = find(root, path.slice(0, -1)) as Readonly<Record<string, Json>>;
  const spelt = random.pick([key.toUpperCase(), key.toLowerCase(), ` ${key}`, `${key}\u0000`, `x${key}`]);
  const keepsOld = random.below(2) === 0;
  const entries = Object.entries(parent).flatMap(([name, value]) =>
    name === key
      ? [...(keepsOld ? [[name, value] as const] : []), [spelt, keepsOld ? null : value] as const]
      : [[name, value] as const],
  );
  const changed =
    path.length === 1
      ? Object.fromEntries(entries)
      : replace(root, path.slice(0, -1), Object.fromEntries(entries));
  return { result: print(changed), note: `/${path.join('/')} is spelt ${JSON.stringify(spelt)}` };
}

function changeText(random: Random, bytes: Buffer): Change {
  const text = bytes.toString();
  const ways: readonly (readonly [string, string])[] = [
    ['a byte order mark in front', `\ufeff${text}`],
    ['the document twice', text + text],
    ['a trailing comma', text.replace(/([\]}])\s*$/, ',$1')],
    ['keys doubled', text.replace(/"([A-Za-z_]+)":/, '"$1":null,"$1":')],
    [
      'escaped letters',
      text.replace(/"([a-z])/g, (_, letter: string) => `"\\u00${letter.charCodeAt(0).toString(16)}`),
    ],
    ['wide spaces', text.replace(/,/g, ` ,\n${' '.repeat(200)}`)],
    ['a comment', text.replace('{', '{/**/')],
    ['nothing', ''],
  ];
  const [note, changed] = ways[random.below(ways.length)] ?? ['nothing', ''];
  return { result: Buffer.from(changed), note };
}

/** Undefined for what is no JSON, and for what is so deep that this file itself would not get through it. */
function tryParse(bytes: Buffer): Json | undefined {
  if (/[[{]{99}|(?:\{"a":){99}/.test(bytes.toString('latin1'))) return undefined;
  try {
    return JSON.parse(bytes.toString()) as Json;
  } catch {
    return undefined;
  }
}

function listPaths(value: Json, path: Path = []): Path[] {
  if (value === null || typeof value !== 'object') return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([key, child]) =>
      listPaths(child, [...path, Array.isArray(value) ? Number(key) : key]),
    ),
  ];
}

function find(value: Json, path: Path): Json {
  let current = value;
  for (const key of path) current = (current as Readonly<Record<string, Json>>)[key] ?? null;
  return current;
}

/** `value` with `other` at `path`; without what is there where it is undefined. */
function replace(value: Json, [key, ...rest]: Path, other: Json | undefined): Json {
  if (key === undefined) return other ?? null;
  const child =
    rest.length === 0 ? other : replace((value as Readonly<Record<string, Json>>)[key] ?? null, rest, other);
  if (Array.isArray(value)) {
    const list = value as readonly Json[];
    return list.flatMap((item, index) => (index === key ? (child === undefined ? [] : [child]) : [item]));
  }
  return Object.fromEntries(
    Object.entries(value as Readonly<Record<string, Json>>).flatMap(([name, item]) =>
      name === key ? (child === undefined ? [] : [[name, child] as const]) : [[name, item] as const],
    ),
  );
}

function print(value: Json): Buffer {
  return Buffer.from(JSON.stringify(value));
}
