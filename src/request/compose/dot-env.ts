/** Reads `.env` files as Compose does (compose-go, dotenv/parser.go). */
import { fileFault } from '../file-fault.ts';
import { interpolate, InterpolationError, type Lookup } from './interpolate.ts';

/**
 * Adds the variables in `text`, that of the file at `path`, to `variables`, where those of earlier files are. Values may
 * use variables of the environment, which `lookup` gives and which go before those of files. Throws selection-invalid.
 */
export function parseDotEnv(
  text: string,
  path: string,
  variables: Map<string, string>,
  lookup: Lookup,
): void {
  const source = text.replaceAll('\r\n', '\n');
  let position = 0;
  const lookupAny: Lookup = (name) => lookup(name) ?? variables.get(name);
  const fault = (what: string): Error =>
    fileFault(path, { line: source.slice(0, position).split('\n').length, column: 1 }, what);
  const expand = (value: string): string => {
    try {
      return interpolate(value, lookupAny);
    } catch (error) {
      if (error instanceof InterpolationError) throw fault(error.message);
      throw error;
    }
  };
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    const match = new RegExp(pattern.source, 'uy');
    match.lastIndex = position;
    const found = match.exec(source);
    if (found === null) return undefined;
    position += found[0].length;
    return found;
  };
  while (take(/(?:\s+|#[^\n]*)+/) ?? position < source.length) {
    if (position >= source.length) break;
    take(/export[^\S\n]+/);
    const name = take(/([\p{L}\p{N}_.[\]-]*)[^\S\n]*(?:[=:][^\S\n]*|(?=\n|$))/u)?.[1];
    if (name === undefined) throw fault(`a line NAME=value was expected`);
    const isInherited = !/[=:][^\S\n]*$/.test(source.slice(0, position));
    const value = isInherited ? lookup(name) : readValue();
    // Compose passes over names that start with a digit.
    if (value !== undefined && !/^\d/.test(name)) variables.set(name, value);
  }

  function readValue(): string {
    const single = take(/'((?:[^'\\]|\\[^])*)'/)?.[1];
    if (single !== undefined) return single.replace(/\\'/g, "'");
    const double = take(/"((?:[^"\\]|\\[^])*)"/)?.[1];
    if (double !== undefined) return expand(unescape(double.replace(/\\"/g, '"')));
    if (/["']/.test(source[position] ?? ''))
      throw fault('the quote at the start of this value is never closed');
    const line = take(/[^\n]*/)?.[0] ?? '';
    return expand(line.replace(/ #.*$/, '').trimEnd());
  }
}

const escapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  c: '\\c',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  $: '$$',
};

/** Shell escapes between double quotes; others stay as they are written. */
function unescape(text: string): string {
  return text.replace(/\\(?:([abcfnrtv$"\\])|0(\d{1,3}))/g, (_, letter?: string, octal?: string) => {
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
    return escapes[letter ?? ''] ?? letter ?? '';
  });
}
