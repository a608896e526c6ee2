/** Reads YAML files that people write; the owner of yaml. */
import { appendAll } from '../ground/long-lists.ts';
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
} from 'yaml';
import { describeError } from '../ground/errors.ts';
import { fileFault, type Position } from './file-fault.ts';

export type KeyPath = readonly (string | number)[];

export interface YamlDocument {
  /** The whole as Maps, arrays and scalars (`maps`), or as plain objects. Aliases of one node are one object. */
  readonly value: unknown;
  /** Where the value at `path` starts, or what is nearest above it; `isKey` for where its key does. */
  positionOf(path: KeyPath, isKey?: boolean): Position | undefined;
  /** Where `!reset` and `!override` stand, with `tags: 'compose'`. What `!reset` stands before is not in `value`. */
  readonly tagged: readonly TaggedPath[];
}

/** The keys to a value with this tag, without the `<<` of merge keys. */
export interface TaggedPath {
  readonly tag: '!reset' | '!override';
  readonly path: KeyPath;
}

export interface ParseYamlOptions {
  /** What maps become. */
  readonly maps: 'Map' | 'object';
  /** Whose tags mean something. */
  readonly tags?: 'compose';
}

/** How often aliases may multiply: a file that people write is far from it, one that should fill the memory is not. */
const mostAliases = 10_000;

/**
 * The documents in `text`, that of the file at `path`. Merge keys are followed; a key that is there twice is an error.
 * Throws selection-invalid.
 */
export function parseYaml(text: string, path: string, { maps, tags }: ParseYamlOptions): YamlDocument[] {
  const lines = new LineCounter();
  // An empty file gives an empty list with a property to say so.
  const documents = [
    ...answering(path, () =>
      parseAllDocuments(text, { lineCounter: lines, merge: true, prettyErrors: false, logLevel: 'silent' }),
    ),
  ];
  return documents.map((document) => {
    const [error] = document.errors;
    if (error !== undefined)
      throw fileFault(path, positionAt(lines, error.pos[0]), describe(error.code, error.message));
    const tagged = tags === undefined ? [] : answering(path, () => takeTagged(document));
    const options = { mapAsMap: maps === 'Map', maxAliasCount: mostAliases };
    return {
      value: answering(path, () => document.toJS(options) as unknown),
      positionOf: (keys, isKey = false) => {
        const start = findStart(document, keys, isKey);
        return start === undefined ? undefined : positionAt(lines, start);
      },
      tagged,
    };
  });
}

function answering<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    // The parser recurses, and answers what has too many aliases with a ReferenceError.
    const isDeep = error instanceof RangeError;
    const fault = isDeep ? 'it is nested too deeply' : describeError(error);
    throw fileFault(path, undefined, fault, { cause: error });
  }
}

function describe(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'this key is there twice';
  if (code === 'TAB_AS_INDENT') return 'a tab cannot indent YAML, spaces were expected';
  return `it is not YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

function findStart(document: Document.Parsed, keys: KeyPath, isKey: boolean): number | undefined {
  let node: unknown = document.contents;
  let start = isNode(node) ? node.range?.[0] : undefined;
  for (const [index, key] of keys.entries()) {
    const parent = isAlias(node) ? node.resolve(document) : node;
    const isLast = index === keys.length - 1;
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (pair === undefined) return start;
      node = (isLast && isKey) || !isNode(pair.value) || isEmptyScalar(pair.value) ? pair.key : pair.value;
    } else {
      node = hasItems(parent) ? parent.items[Number(key)] : undefined;
    }
    if (!isNode(node)) return start;
    start = node.range?.[0] ?? start;
  }
  return start;
}

/** Of `key:` with nothing behind it, the place of the key says more. */
function isEmptyScalar(node: Node): boolean {
  return isScalar(node) && node.value === null && node.source === '';
}

function hasItems(node: unknown): node is { readonly items: readonly unknown[] } {
  return isNode(node) && 'items' in node && Array.isArray(node.items);
}

/** Takes out what `!reset` stands before, and tells where that and `!override` are (compose-go, loader/reset.go). */
function takeTagged(document: Document.Parsed): readonly TaggedPath[] {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node | undefined>();
  // Of what aliases stand for, so that each is walked once more, and no more often.
  const known = new Map<Node, readonly TaggedPath[]>();

  const walkTarget = (target: Node): readonly TaggedPath[] => {
    const found = known.get(target);
    if (found !== undefined) return found;
    known.set(target, []);
    const tagged = walk(target, []);
    known.set(target, tagged);
    return tagged;
  };
  const walkAlias = (alias: Alias): readonly TaggedPath[] => {
    if (!targets.has(alias)) targets.set(alias, anchors.get(alias.source));
    const target = targets.get(alias);
    return target === undefined ? [] : walkTarget(target);
  };
  const walkChild = (child: unknown, path: KeyPath): readonly TaggedPath[] => {
    if (isAlias(child))
      return walkAlias(child).map((found) => ({ ...found, path: [...path, ...found.path] }));
    return isNode(child) ? walk(child, path) : [];
  };
  /** With the paths to `node` before those within it; what is reset is taken out of it. */
  const walk = (node: Node, path: KeyPath): TaggedPath[] => {
    if (!isAlias(node) && node.anchor !== undefined && !known.has(node)) anchors.set(node.anchor, node);
    if (node.tag === '!reset' || node.tag === '!override') return [{ tag: node.tag, path }];
    const tagged: TaggedPath[] = [];
    const keep = (child: unknown, at: KeyPath): boolean => {
      const found = walkChild(child, at);
      appendAll(tagged, found);
      if (tagged.length > mostAliases) throw new ReferenceError('it has too many tags and aliases');
      return !found.some(({ tag, path }) => tag === '!reset' && path.length === at.length);
    };
    if (isMap(node)) {
      node.items = node.items.filter(({ key, value }) => {
        const name = isScalar(key) ? String(key.value) : '<<';
        return keep(value, name === '<<' ? path : [...path, name]);
      });
    } else if (isSeq(node)) {
      node.items = node.items.filter((item, index) => keep(item, [...path, index]));
    }
    return tagged;
  };
  return walkChild(document.contents, []);
}
