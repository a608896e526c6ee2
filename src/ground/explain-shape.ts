/** Says in words what is wrong with JSON of another shape than was expected. */
import type * as z from 'zod';

type Issue = z.core.$ZodIssue;

export type Shaped<T> =
  | { readonly isRight: true; readonly data: T }
  | { readonly isRight: false; readonly fault: string; readonly cause: Error };

/**
 * `value` as `schema` has it, or its first fault: `"layers[0].size" is a text, a number was expected`. Values are never
 * shown, because a file may hold logins. `path` is the place of `value` in its document.
 */
export function checkShape<T>(
  value: unknown,
  schema: z.ZodType<T>,
  path: readonly PropertyKey[] = [],
): Shaped<T> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return { isRight: true, data: result.data };
  const [issue] = result.error.issues;
  const fault = issue === undefined ? 'it has another shape than was expected' : explainShape(issue, path);
  return { isRight: false, fault, cause: result.error };
}

function explainShape(issue: Issue, above: readonly PropertyKey[]): string {
  const path = [...above, ...issue.path];
  const inner = issue.code === 'invalid_union' ? findInnermost(issue.errors) : undefined;
  if (inner !== undefined) return explainShape(inner, path);
  const subject = path.length === 0 ? 'it' : `"${formatPath(path)}"`;
  if (issue.code === 'unrecognized_keys') {
    return `"${formatPath([...path, issue.keys[0] ?? ''])}" is not a key that is known`;
  }
  const wanted = describeWanted(issue, jsonNames);
  if (issue.input === undefined)
    return `${subject} is missing${wanted === undefined ? '' : `, ${wanted} was expected`}`;
  if (wanted !== undefined) return `${subject} is ${nameKind(issue.input)}, ${wanted} was expected`;
  return issue.code === 'custom' && !issue.message.startsWith('Invalid')
    ? `${subject} is wrong: ${issue.message}`
    : `${subject} is ${nameKind(issue.input)} of another form than was expected`;
}

/** Of the shapes that a value may have, the fault that lies deepest: the value was meant to have that shape. */
function findInnermost(errors: readonly (readonly Issue[])[]): Issue | undefined {
  const [deepest] = errors
    .flatMap((issues) => issues.slice(0, 1))
    .sort((a, b) => b.path.length - a.path.length);
  return deepest !== undefined && deepest.path.length > 0 ? deepest : undefined;
}

/** Names of zod's types; the words for mappings depend on the kind of file. */
export type TypeNames = Readonly<Record<string, string>>;

const plainNames: TypeNames = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
};

const jsonNames: TypeNames = { ...plainNames, object: 'an object', record: 'an object' };
/** For YAML. */
export const yamlNames: TypeNames = {
  ...plainNames,
  string: 'text',
  object: 'a mapping',
  record: 'a mapping',
};

/** What `issue` has wanted, or undefined where zod says no more than that it was something else. */
export function describeWanted(issue: Issue, names: TypeNames): string | undefined {
  if (issue.code === 'invalid_type') return names[issue.expected] ?? issue.expected;
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    return values.length === 1 ? `"${values.join('')}"` : `one of ${values.join(', ')}`;
  }
  if (issue.code === 'too_small') return `at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `at most ${issue.maximum}`;
  return undefined;
}

function nameKind(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return value === '' ? 'an empty text' : 'a text';
  if (typeof value === 'number') return 'a number';
  return typeof value === 'boolean' ? (value ? 'true' : 'false') : 'an object';
}

/** `[0].rootfs.diff_ids[2]`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`,
    )
    .join('');
}
