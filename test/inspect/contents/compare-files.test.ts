/** The files of two images: random edits of random trees are reported one for one, and nothing else is. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { makeLayer } from '../../../sample/make-image.mjs';
import type { TarMember } from '../../../sample/pack-tar.mjs';
import { type DiffId, digestOf } from '../../../src/ground/digest.ts';
import { compareFiles } from '../../../src/inspect/contents/compare-files.ts';
import { createLayerLibrary } from '../../../src/inspect/contents/layer-library.ts';
import type { LayerBytes } from '../../../src/file/layer-bytes.ts';
import { chunked } from '../../format/tar/tar-fixture.ts';

interface File {
  readonly content: string;
  readonly mode: number;
  readonly owner: number;
  readonly mtime: number;
}
type Tree = ReadonlyMap<string, File>;

const path = fc
  .tuple(fc.constantFrom('a', 'b', 'a.wh.b'), fc.constantFrom('x', 'y', 'z', 'ż'))
  .map((names) => names.join('/'));
const file = fc.record({
  content: fc.constantFrom('', 'one', 'two', 'three'),
  mode: fc.constantFrom(0o644, 0o755, 0o4755),
  owner: fc.constantFrom(0, 1000),
  mtime: fc.constantFrom(0, 1_700_000_000),
});
const tree = fc.array(fc.tuple(path, file), { maxLength: 12 }).map((files): Tree => new Map(files));

function membersOf(files: Iterable<readonly [string, File]>): TarMember[] {
  return [...files].map(([name, { content, ...rest }]) => ({ name, content: Buffer.from(content), ...rest }));
}

/** The layer that makes `after` of `before`: whole where `isWhole`, else what is different and whiteouts. */
function layerBetween(before: Tree, after: Tree): Promise<Buffer> {
  const changed = [...after].filter(
    ([name, one]) => JSON.stringify(before.get(name)) !== JSON.stringify(one),
  );
  const gone = [...before.keys()].filter((name) => !after.has(name));
  return makeLayer([...membersOf(changed), ...gone.map((name) => ({ name: name.replace('/', '/.wh.') }))]);
}

function differencesOf(a: File, b: File): string[] {
  return [
    ...(a.content === b.content ? [] : ['content']),
    ...(a.mode === b.mode ? [] : ['mode']),
    ...(a.owner === b.owner ? [] : ['owner']),
    ...(a.mtime === b.mtime ? [] : ['times']),
  ];
}

function expected(before: Tree, after: Tree): string[] {
  const lines = [...new Set([...before.keys(), ...after.keys()])].flatMap((name) => {
    const [a, b] = [before.get(name), after.get(name)];
    if (a === undefined) return [`added ${name}`];
    if (b === undefined) return [`removed ${name}`];
    const differences = differencesOf(a, b);
    return differences.length === 0 ? [] : [`changed ${name} ${differences.join()}`];
  });
  return lines.sort();
}

it.each(['random', 'stream'] as const)(
  'compareFiles reports random edits one for one, %s layers',
  async (kind) => {
    await fc.assert(
      fc.asyncProperty(tree, tree, fc.boolean(), async (before, after, isWhole) => {
        const base = await makeLayer(membersOf(before));
        const top = isWhole ? await makeLayer(membersOf(after)) : await layerBetween(before, after);
        const layers = new Map([base, top].map((layer) => [digestOf(layer) as DiffId, layer]));
        const library = createLayerLibrary((diffId) => Promise.resolve(open(layers.get(diffId), kind)));
        const [one, two] = [base, top].map((layer) => digestOf(layer) as DiffId);
        if (one === undefined || two === undefined) throw new TypeError('There are two layers');
        const changes = await compareFiles(library, [one], isWhole ? [two] : [one, two]);
        const lines = changes
          // The fixtures have no entries for folders, so these come and go with what is in them.
          .filter((change) => change.path.includes('/'))
          .map((change) => {
            const differences = change.kind === 'changed' ? ` ${change.differences.join()}` : '';
            return `${change.kind} ${change.path}${differences}`;
          });
        expect(lines.sort()).toEqual(expected(before, after));
      }),
      { numRuns: 60 },
    );
  },
);

function open(layer: Buffer | undefined, kind: LayerBytes['kind']): LayerBytes | undefined {
  if (layer === undefined) return undefined;
  if (kind === 'stream') return { kind, open: () => chunked(layer, [1000]) };
  const read = (target: Uint8Array, position: number): Promise<number> =>
    Promise.resolve(layer.copy(target, 0, position, Math.min(layer.length, position + target.length)));
  return { kind, file: { size: layer.length, read } };
}

it('compareFiles throws layer-missing for a layer that is not at hand', async () => {
  const library = createLayerLibrary(() => Promise.resolve(undefined));
  const diffId = digestOf(Buffer.from('x')) as DiffId;
  await expect(compareFiles(library, [diffId], [])).rejects.toMatchObject({ code: 'layer-missing' });
});
