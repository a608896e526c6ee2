/** Turns what zod says of a project file into a line that says where, what was found and what was wanted. */
import * as z from 'zod';
import { describeWanted, formatPath, yamlNames } from '../ground/explain-shape.ts';
import { editDistance } from '../image/near-misses.ts';
import { describeValue, type Position } from './file-fault.ts';
import type { KeyPath, YamlDocument } from './yaml-document.ts';

export interface Explanation {
  readonly position: Position | undefined;
  readonly text: string;
}

type Issue = z.core.$ZodIssue;

/** The explanations of `issue`: one, or one for each key that is not known. */
export function explainIssue(issue: Issue, document: YamlDocument, schema: z.ZodType): Explanation[] {
  const path = issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      position: document.positionOf([...path, key], true),
      text: `"${formatPath([...path, key])}" is not a key; ${suggest(key, listKeys(schema, path))}`,
    }));
  }
  const value = valueAt(document.value, path);
  const what = path.length === 0 ? 'the file' : `"${formatPath(path)}"`;
  const wanted = describeYamlWanted(issue);
  const near =
    issue.code === 'invalid_value' && typeof value === 'string'
      ? nearest(value, issue.values.map(String))
      : undefined;
  const isUnquoted = wanted === 'text' && (typeof value === 'number' || typeof value === 'boolean');
  const advice = near === undefined ? (isUnquoted ? '. Put it in quotes' : '') : `; did you mean "${near}"?`;
  return [
    {
      position: document.positionOf(path),
      text: `${what} is ${describeFound(value)}, ${wanted} was expected${advice}`.replace(
        /,{1,2} was/,
        (commas) => (commas.length > 1 ? ', was' : ' was'),
      ),
    },
  ];
}

function describeFound(value: unknown): string {
  return value === '' ? 'empty' : describeValue(value);
}

function describeYamlWanted(issue: Issue): string {
  // Where the schema says nothing of its own, zod's message begins like this.
  const isSaid = !issue.message.startsWith('Invalid');
  if (issue.code === 'invalid_value') return `one of ${issue.values.map(String).join(', ')}`;
  return (isSaid ? undefined : describeWanted(issue, yamlNames)) ?? issue.message;
}

function valueAt(root: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined,
    root,
  );
}

/** The keys that the mapping at `path` may have. */
function listKeys(schema: z.ZodType, path: KeyPath): string[] {
  let current: unknown = schema;
  for (const key of ['', ...path]) {
    if (current instanceof z.ZodObject && key !== '')
      current = (current.shape as Record<string, unknown>)[key];
    else if (current instanceof z.ZodArray) current = current.element;
    while (current instanceof z.ZodOptional) current = current.unwrap();
  }
  const kinds: readonly unknown[] = current instanceof z.ZodUnion ? current.options : [current];
  const keys = kinds.flatMap((kind) =>
    kind instanceof z.ZodObject ? Object.keys(kind.shape as object) : [],
  );
  return [...new Set(keys)].filter((key) => key !== '$schema');
}

function suggest(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  return near === undefined ? `there are ${known.join(', ')}` : `did you mean "${near}"?`;
}

/** Of `known`, the one that `word` is a slip of the pen for. */
function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replace(/[-_]/g, '');
  const ranked = known
    .map((other) => ({ other, distance: editDistance(plain(word), plain(other)) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= Math.max(2, word.length / 4) ? best.other : undefined;
}
