/** Planned layers, with every rule that engines have for a layer, on layers at random and on those that once went wrong. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epoch } from '../../sample/make-image.mjs';
import type { PackedMember } from '../fixtures/pack-members.ts';
import { findRelinked } from '../../src/transforms/find-relinked.ts';
import { createIsAbove } from '../../src/transforms/squash-image.ts';
import { planLayer } from '../../src/transforms/plan-layer.ts';
import { measureLayer } from '../../src/transforms/write-layer.ts';
import { compareTrees } from '../../src/format/tree/compare-trees.ts';
import { findNode, isFolder, type TreeEntry } from '../../src/format/tree/tree.ts';
import { findWhiteout } from '../../src/format/tree/whiteout.ts';
import {
  contentOf,
  describeTree,
  makeModelLayer,
  mergeModel,
  type ModelLayer,
  openModel,
  readLayer,
  writeModel,
} from './layer-model.ts';

/** One layer in place of all but the lowest `keptCount`. */
async function squash(layers: readonly ModelLayer[], keptCount: number): Promise<ModelLayer> {
  const kept = new Set(layers.slice(0, keptCount));
  const base = mergeModel([...kept]);
  const parts = planLayer({
    base,
    target: mergeModel(layers),
    isNew: createIsAbove(base, kept),
    layers: layers.map((layer) => [layer, layer.members] as const),
  });
  const bytes = await writeModel(parts);
  expect(await measureLayer(parts, (layer) => Promise.resolve(openModel(layer)))).toBe(bytes.length);
  return readLayer(bytes);
}

/** One layer on `before` that shows what `after` shows. */
async function thin(before: readonly ModelLayer[], after: readonly ModelLayer[]): Promise<ModelLayer> {
  const [base, target] = [mergeModel(before), mergeModel(after)];
  const changed = new Set<string>();
  for (const change of compareTrees(base, target, isSameContent)) {
    if (change.kind !== 'removed') changed.add(change.path);
  }
  const relinked = findRelinked(base, target, (path) => changed.has(path));
  const parts = planLayer({
    base,
    target,
    isNew: (path, node) =>
      changed.has(path) ||
      relinked.has(path) ||
      (isFolder(node) && (findNode(base, path)?.entry === undefined) !== (node.entry === undefined)),
    layers: after.map((layer) => [layer, layer.members] as const),
  });
  return readLayer(await writeModel(parts));
}

function isSameContent(a: TreeEntry<ModelLayer>, b: TreeEntry<ModelLayer>): boolean {
  return contentOf(a).equals(contentOf(b));
}

/** What engines want of a layer, whatever is in it (facts of real ones: each of these is refused, or shows other files). */
function checkLayer({ members }: ModelLayer, base: readonly ModelLayer[]): void {
  const tree = mergeModel(base);
  const seen = new Set<string>();
  for (const { path, kind, target = '' } of members) {
    expect(seen.has(path), `${path} stands there twice`).toBe(false);
    seen.add(path);
    const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (folder !== '') expect(seen.has(folder), `${folder} stands before ${path}`).toBe(true);
    if (kind === 'hardlink') expect(seen.has(target), `${target} stands before its link ${path}`).toBe(true);
    const whiteout = findWhiteout(path);
    if (whiteout === undefined) continue;
    expect(whiteout.kind).not.toBe('ignore');
    expect(findNode(tree, whiteout.path), `${whiteout.path} is there to be hidden`).toBeDefined();
    expect(seen.has(whiteout.path) && whiteout.kind === 'remove', `${path} comes before it`).toBe(false);
  }
  for (const path of seen) {
    const whiteout = findWhiteout(path);
    if (whiteout?.kind === 'remove') expect(seen.has(whiteout.path), `${path} and what it hides`).toBe(false);
  }
}

const names = fc.constantFrom('a', 'b', 'c.wh.d', 'd');
const paths = fc.array(names, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const metadata = fc.record({
  mode: fc.constantFrom(0o644, 0o4755, 0o700),
  uid: fc.constantFrom(0, 7, 3_000_000),
  mtime: fc.constantFrom(epoch, 1_500_000_000),
  pax: fc.constantFrom<Record<string, string>>(
    {},
    { mtime: '1500000000.123456789' },
    { mtime: '1500000000.123456788' },
    { 'SCHILY.xattr.user.a': 'a' },
    { 'SCHILY.xattr.security.capability': 'c', 'SCHILY.xattr.user.b': 'b' },
  ),
});

const member: fc.Arbitrary<PackedMember> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(paths, metadata, fc.constantFrom('', 'one', 'two')).map(asFile) },
  { weight: 3, arbitrary: fc.tuple(paths, metadata).map(([path, data]) => folder(path, data)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(paths, paths)
      .map(([name, linkname]) => ({ name, type: 'symlink' as const, linkname })),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(paths, paths, metadata)
      .map(([name, linkname, data]) => ({ name, type: 'link' as const, linkname, ...data })),
  },
  { weight: 1, arbitrary: paths.map((name) => ({ name, type: 'fifo' as const })) },
  { weight: 2, arbitrary: paths.map((path) => ({ name: `./${beside(path, '.wh.')}` })) },
  { weight: 1, arbitrary: paths.map((path) => ({ name: `${path}/.wh..wh..opq` })) },
);
const layer = fc.array(member, { maxLength: 12 });

function asFile([name, data, content]: [string, object, string]): PackedMember {
  return { name, content, ...data };
}

function folder(path: string, data: object = {}): PackedMember {
  return { name: `${path}/`, type: 'directory', ...data };
}

/** `a/b` as `a/.wh.b`. */
function beside(path: string, prefix: string): string {
  return path.replace(/[^/]+$/, (name) => `${prefix}${name}`);
}

/** Folders of the tree that no layer has a member for come with one: 0755 of root, as engines would make them. */
function withEntries(lines: readonly string[]): string[] {
  return lines.map((line) => {
    if (!line.endsWith(' folder without an entry')) return line;
    const [path] = line.split(' ');
    const made = { path, kind: 'directory', mode: 0o755, uid: 0, mtime: 0, xattrs: [], content: '' };
    return JSON.stringify(made);
  });
}

describe('planLayer', () => {
  it('squashes layers at random to one that shows the same and that engines take', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(layer, { minLength: 1, maxLength: 4 }), fc.nat(3), async (made, kept) => {
        const layers = await Promise.all(made.map(makeModelLayer));
        const keptCount = kept % layers.length;
        const base = layers.slice(0, keptCount);
        const squashed = await squash(layers, keptCount);
        checkLayer(squashed, base);
        const before = describeTree(mergeModel(layers));
        const after = describeTree(mergeModel([...base, squashed]));
        expect(withEntries(after)).toEqual(withEntries(before));
        if (keptCount === 0) expect(after).toEqual(withEntries(before));
      }),
      { numRuns: 500 },
    );
  }, 60_000);

  it('puts any image on any other one with a layer that engines take', async () => {
    const layers = fc.array(layer, { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(layers, layers, async (one, other) => {
        const before = await Promise.all(one.map(makeModelLayer));
        const after = await Promise.all(other.map(makeModelLayer));
        const added = await thin(before, after);
        checkLayer(added, before);
        expect(withEntries(describeTree(mergeModel([...before, added])))).toEqual(
          withEntries(describeTree(mergeModel(after))),
        );
      }),
      { numRuns: 500 },
    );
  }, 60_000);

  const same = (name: string): PackedMember => ({ name, content: 'same' });
  const [a, b, c] = [same('a'), same('b'), same('c')];
  const linkTo = (linkname: string, name: string): PackedMember => ({
    name,
    type: 'link' as const,
    linkname,
  });
  it.each<[string, PackedMember[], PackedMember[], string[]]>([
    ['files that were links are files', [a, linkTo('a', 'b')], [a, b], ['file b']],
    ['files that were apart are links', [a, b], [a, linkTo('a', 'b')], ['file a', 'hardlink b']],
    [
      'a third name comes to two',
      [a, linkTo('a', 'b')],
      [a, linkTo('a', 'b'), linkTo('a', 'c')],
      ['file a', 'hardlink b', 'hardlink c'],
    ],
    [
      'of three names one is left alone',
      [a, linkTo('a', 'b'), linkTo('a', 'c')],
      [a, b, linkTo('b', 'c')],
      ['file a'],
    ],
    ['a name is gone', [a, linkTo('a', 'b')], [b], ['file .wh.a']],
    ['the same under other first names', [a, linkTo('a', 'b')], [b, linkTo('b', 'a')], []],
    ['nothing differs', [a, linkTo('a', 'b'), c], [c, a, linkTo('a', 'b')], []],
  ])('brings no more of hardlinked files than it must: %s', async (_, one, other, expected) => {
    const before = await makeModelLayer(one);
    const after = await makeModelLayer(other);
    const { members } = await thin([before], [after]);
    expect(members.map(({ kind, path }) => `${kind} ${path}`)).toEqual(expected);
  });

  it.each<[string, PackedMember[], string[]]>([
    ['mode', [a, { ...linkTo('a', 'b'), mode: 0o755 }], ['file a', 'hardlink b']],
    ['owner', [a, { ...linkTo('a', 'b'), uid: 7 }], ['file a', 'hardlink b']],
    ['time', [a, { ...linkTo('a', 'b'), pax: { mtime: `${epoch}.000000001` } }], ['file a', 'hardlink b']],
    ['xattrs', [a, { ...linkTo('a', 'b'), pax: { 'SCHILY.xattr.user.a': '1' } }], ['file a', 'hardlink b']],
    [
      'owner of a symlink',
      [
        { name: 's', type: 'symlink', linkname: 'a' },
        { ...linkTo('s', 't'), uid: 7 },
      ],
      ['symlink s', 'hardlink t'],
    ],
  ])('sees the %s in the header of a link alone', async (_, changed, expected) => {
    const plain = changed.map((one) => (one.type === 'link' ? linkTo(one.linkname ?? '', one.name) : one));
    const [before, after] = [await makeModelLayer(plain), await makeModelLayer(changed)];
    const added = await thin([before], [after]);
    expect(added.members.map(({ kind, path }) => `${kind} ${path}`)).toEqual(expected);
    expect(describeTree(mergeModel([before, added]))).toEqual(describeTree(mergeModel([after])));
  });

  it('gives all names of a file the header that counts, whichever of them are left', async () => {
    const first = await makeModelLayer([
      a,
      { ...linkTo('a', 'b'), mode: 0o711 },
      { ...linkTo('b', 'c'), uid: 9 },
    ]);
    for (const gone of ['a', 'b', 'c']) {
      const second = await makeModelLayer([{ name: `.wh.${gone}` }]);
      const { members } = await squash([first, second], 0);
      expect(members.map(({ mode, uid }) => ({ mode, uid }))).toEqual(Array(2).fill({ mode: 0o644, uid: 9 }));
    }
  });

  it('puts an image on itself with nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(layer, { minLength: 1, maxLength: 3 }), async (made) => {
        const layers = await Promise.all(made.map(makeModelLayer));
        const base = mergeModel(layers);
        const same = mergeModel(layers);
        expect([...compareTrees(base, same, isSameContent)]).toEqual([]);
        expect(findRelinked(base, same, () => false)).toEqual(new Set());
      }),
      { numRuns: 100 },
    );
  });
});
