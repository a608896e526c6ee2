/** Patterns of image names, as `docker images --filter reference=` has them: Go's path.Match on the names that docker shows. */
import { BundleError } from '../ground/errors.ts';

export interface NamePattern {
  /** Whether an image is meant whose name docker shows as `name`: `shop/web:1`. */
  matches(name: string): boolean;
}

/** What stands for one letter of a name. */
type Letter =
  | { readonly kind: 'exact'; readonly letter: string }
  | { readonly kind: 'any' }
  | {
      readonly kind: 'class';
      readonly isNegated: boolean;
      readonly ranges: readonly (readonly [string, string])[];
    };

/** What stands between the stars of a pattern. */
type Chunk = readonly Letter[];

/** Whether `text` has letters that only patterns have. A `[` may begin an IPv6 address, too. */
export function isPatternText(text: string): boolean {
  return /[*?\\]/.test(text) || (text.includes('[') && !/^\[[0-9a-fA-F:]+\](:\d+)?\//.test(text));
}

/**
 * The pattern `text`: `*` is any letters but `/`, `?` any letter but `/`, `[a-z]` and `[^a-z]` one of a class, and `\`
 * takes the next letter as it is. It matches names as docker shows them, `shop/web:1`, with their tag or without it
 * (distribution/reference, "FamiliarMatch"). Throws invalid-reference.
 */
export function parsePattern(text: string): NamePattern {
  const match = compilePattern(text);
  return {
    matches: (name) => match(name) !== undefined || match(splitFamiliar(name).repository) !== undefined,
  };
}

/** A function that gives what the stars of `text` stand for in a name that matches it. Throws invalid-reference. */
export function compilePattern(text: string): (name: string) => readonly string[] | undefined {
  const chunks = parseChunks(text);
  return (name) => matchChunks(chunks, Array.from(name));
}

/** The repository and tag of a name as docker shows it. */
export function splitFamiliar(name: string): {
  readonly repository: string;
  readonly tag: string | undefined;
} {
  const colon = name.lastIndexOf(':');
  if (colon < 0 || name.includes('/', colon)) return { repository: name, tag: undefined };
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1) };
}

/** Go, path.Match: each star takes as little as lets what follows it match, which never needs to be taken back. */
function matchChunks([first = [], ...rest]: readonly Chunk[], name: readonly string[]): string[] | undefined {
  const last = rest.at(-1);
  if (last === undefined) return name.length === first.length && matchesAt(first, name, 0) ? [] : undefined;
  if (!matchesAt(first, name, 0)) return undefined;
  const stars: string[] = [];
  let position = first.length;
  for (const [index, chunk] of rest.entries()) {
    const isLast = index === rest.length - 1;
    const start = isLast ? name.length - chunk.length : findChunk(chunk, name, position);
    if (start === undefined || start < position || !matchesAt(chunk, name, start)) return undefined;
    const star = name.slice(position, start).join('');
    if (star.includes('/')) return undefined;
    stars.push(star);
    position = start + chunk.length;
  }
  return stars;
}

function findChunk(chunk: Chunk, name: readonly string[], from: number): number | undefined {
  for (let start = from; start + chunk.length <= name.length; start += 1) {
    if (matchesAt(chunk, name, start)) return start;
    if (name[start] === '/') return undefined;
  }
  return undefined;
}

function matchesAt(chunk: Chunk, name: readonly string[], start: number): boolean {
  return chunk.every((wanted, index) => {
    const letter = name[start + index];
    return letter !== undefined && matchesLetter(wanted, letter);
  });
}

function matchesLetter(wanted: Letter, letter: string): boolean {
  switch (wanted.kind) {
    case 'exact':
      return wanted.letter === letter;
    case 'any':
      return letter !== '/';
    case 'class':
      return wanted.ranges.some(([low, high]) => low <= letter && letter <= high) !== wanted.isNegated;
  }
}

function parseChunks(text: string): Chunk[] {
  const letters = Array.from(text);
  const chunks: Letter[][] = [[]];
  let index = 0;
  const take = (): string => {
    if (letters[index] === '\\') index += 1;
    const letter = letters[index];
    if (letter === undefined) throw invalidPattern(text);
    index += 1;
    return letter;
  };
  while (index < letters.length) {
    const letter = letters[index];
    const chunk = chunks.at(-1) ?? [];
    if (letter === '*') {
      index += 1;
      // Two stars are as one.
      if (letters[index - 2] !== '*' || chunk.length > 0) chunks.push([]);
    } else if (letter === '?') {
      index += 1;
      chunk.push({ kind: 'any' });
    } else if (letter === '[') {
      index += 1;
      chunk.push(parseClass());
    } else {
      chunk.push({ kind: 'exact', letter: take() });
    }
  }
  return chunks;

  function parseClass(): Letter {
    const isNegated = letters[index] === '^';
    if (isNegated) index += 1;
    const ranges: [string, string][] = [];
    while (letters[index] !== ']' || ranges.length === 0) {
      if (letters[index] === '-' || letters[index] === ']') throw invalidPattern(text);
      const low = take();
      let high = low;
      if (letters[index] === '-') {
        index += 1;
        if (letters[index] === '-' || letters[index] === ']') throw invalidPattern(text);
        high = take();
      }
      ranges.push([low, high]);
    }
    index += 1;
    return { kind: 'class', isNegated, ranges };
  }
}

function invalidPattern(text: string): BundleError {
  return new BundleError(
    'invalid-reference',
    `Cannot read image pattern "${text}": a [ or a \\ in it is not finished`,
    {
      hint: 'For example "shop/*:1.*", "shop/web:[0-9]*". Quote patterns, so that the shell leaves them alone.',
    },
  );
}
