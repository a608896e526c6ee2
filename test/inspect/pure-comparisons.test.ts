/** Comparisons on plain data: images, new bytes, encoded blocks, past builds. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BlockKey } from '../../src/plan/layout/block-record.ts';
import { type DiffId, digestOf } from '../../src/ground/digest.ts';
import { attributeMembers, findEncodedBlocks } from '../../src/inspect/cost/attribute-blocks.ts';
import type { ContentBlock, ContentImage } from '../../src/inspect/contents/bundle-contents.ts';
import { compareImages } from '../../src/inspect/contents/compare-images.ts';
import { matchLayers } from '../../src/inspect/cost/explain-image.ts';
import { measureNew } from '../../src/inspect/contents/measure-new.ts';
import { tidyStep } from '../../src/image/image-config.ts';
import type { LayerMember } from '../../src/format/tar/layer-member.ts';

const id = (text: string): DiffId => digestOf(Buffer.from(text)) as DiffId;
const image = (name: string, layers: string, steps: readonly string[] = []): ContentImage => ({
  names: [name],
  id: id(`${name} ${layers}`),
  layers: Array.from(layers, id),
  history: steps.map((createdBy) => ({ createdBy, isEmptyLayer: false })),
});

describe('compareImages', () => {
  it('pairs by config, then by name, then by repository with most shared layers', () => {
    const same = image('r/same:1', 'ab');
    const before = [same, image('r/app:1', 'abc'), image('r/app:2', 'xyz'), image('r/gone:1', 'a')];
    const after = [
      { ...same, names: ['r/other:1'] },
      image('r/app:2', 'xyw'),
      image('r/app:3', 'abd'),
      image('r/fresh:1', 'a'),
    ];
    const changes = compareImages(before, after).map((change) => [
      change.kind,
      'before' in change ? change.before.names[0] : '',
      'after' in change ? change.after.names[0] : '',
    ]);
    expect(changes).toEqual([
      ['retagged', 'r/same:1', 'r/other:1'],
      ['rebuilt', 'r/app:2', 'r/app:2'],
      ['rebuilt', 'r/app:1', 'r/app:3'],
      ['added', '', 'r/fresh:1'],
      ['removed', 'r/gone:1', ''],
    ]);
  });

  it('has each image once, and leaves none alone that has its config, a name or a repository in common with another one', () => {
    const name = fc.tuple(fc.constantFrom('r/a', 'r/b', 'r/c'), fc.integer({ min: 1, max: 4 }));
    const images = fc.uniqueArray(
      fc.record({
        names: fc.uniqueArray(
          name.map(([repository, tag]) => `${repository}:${tag}`),
          { minLength: 1, maxLength: 3 },
        ),
        layers: fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1, maxLength: 4 }),
      }),
      // An image is its config, which its layers stand for here.
      { maxLength: 8, selector: ({ layers }) => layers.join('') },
    );
    const make = fc.tuple(images, images).map((sides) =>
      sides.map((side) =>
        side.map(({ names, layers }) => ({
          ...image('', layers.join('')),
          id: id(layers.join('')),
          names,
        })),
      ),
    );
    const repositories = ({ names }: ContentImage): string[] => names.map((one) => one.replace(/:.*/, ''));
    const share = (one: readonly string[], other: readonly string[]): boolean =>
      one.some((item) => other.includes(item));
    fc.assert(
      fc.property(make, ([before = [], after = []]) => {
        const changes = compareImages(before, after);
        const olds = changes.flatMap((change) => ('before' in change ? [change.before] : []));
        const news = changes.flatMap((change) => ('after' in change ? [change.after] : []));
        expect(new Set(olds)).toEqual(new Set(before));
        expect(olds.length).toBe(before.length);
        expect(news).toEqual(after);
        for (const change of changes) {
          if (change.kind === 'same' || change.kind === 'retagged')
            expect(change.before.id).toBe(change.after.id);
          if (change.kind !== 'rebuilt') continue;
          expect(after.map((one) => one.id)).not.toContain(change.before.id);
          expect(share(repositories(change.before), repositories(change.after))).toBe(true);
        }
        const added = changes.flatMap((change) => (change.kind === 'added' ? [change.after] : []));
        const removed = changes.flatMap((change) => (change.kind === 'removed' ? [change.before] : []));
        for (const a of removed) {
          for (const b of added) expect(share(repositories(a), repositories(b))).toBe(false);
        }
      }),
    );
  });
});

describe('measureNew', () => {
  const block = (print: string, start: number, size: number): ContentBlock => ({
    print,
    start,
    size,
    storedSize: size / 2,
  });
  const layer = { diffId: id('l'), start: 10, size: 30 };
  const contents = (blocks?: ContentBlock[]) => ({
    label: '',
    images: [],
    layers: new Map([[layer.diffId, layer]]),
    ...(blocks && { blocks }),
  });

  it('counts blocks where both sides have them, and shares a block that two layers lie in', () => {
    const before = contents([block('a', 0, 20), block('b', 20, 20)]);
    const found = measureNew(before, contents([block('a', 0, 20), block('c', 20, 40)]));
    expect(found).toMatchObject({
      byBlocks: true,
      size: 40,
      wholeSize: 60,
      storedSize: 20,
      newBlockCount: 1,
      blockCount: 2,
    });
    expect(found.layers.get(layer.diffId)).toEqual({ size: 20, storedSize: 10 });
  });

  it('counts layers where a side has no blocks', () => {
    expect(measureNew(contents(), contents())).toMatchObject({ byBlocks: false, size: 0, wholeSize: 30 });
    const none = { ...contents(), layers: new Map<DiffId, never>() };
    expect(measureNew(none, contents())).toMatchObject({ byBlocks: false, size: 30, wholeSize: 30 });
  });
});

it('attributeMembers shares out all bytes of the encoded blocks that members cover', () => {
  const blocks = fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.boolean()), {
    minLength: 1,
    maxLength: 12,
  });
  const sizes = fc.array(fc.integer({ min: 0, max: 2000 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(blocks, sizes, (cuts, contentSizes) => {
      let position = 0;
      const members = contentSizes.map((size, index): LayerMember => {
        const [headerPosition, contentPosition] = [position, position + 512];
        position = contentPosition + Math.ceil(size / 512) * 512;
        const rest = { mode: 0, uid: 0, gid: 0, mtime: 0, xattrs: new Map<string, string>() };
        return { kind: 'file', path: String(index), size, headerPosition, contentPosition, ...rest };
      });
      const records = cuts.map(([size], index) => ({
        ...{ key: String(index) as BlockKey, unpaddedSize: 4, uncompressedSize: size * 512 },
        ...{ digest: id('x'), crc64: '' },
      }));
      const keys = new Set(
        cuts.flatMap(([, isEncoded], index) => (isEncoded ? [String(index) as BlockKey] : [])),
      );
      const { ranges } = findEncodedBlocks(records, keys);
      const covered = ranges.reduce(
        (sum, { start, end }) => sum + Math.max(0, Math.min(end, position) - start),
        0,
      );
      const shared = attributeMembers(members, ranges).reduce((sum, one) => sum + one.encodedSize, 0);
      expect(shared).toBe(covered);
    }),
  );
});

it('matchLayers goes by the step of the history, then by depth, and takes no layer twice', () => {
  const before = image('a:1', 'bcd', ['base', 'COPY app', 'RUN last']);
  const after = image('a:2', 'bxyz', ['base', 'RUN extra', 'COPY app', 'RUN last']);
  const matches = [...matchLayers(after, before)];
  expect(matches).toEqual([
    [id('b'), id('b')],
    [id('y'), id('c')],
    [id('z'), id('d')],
  ]);
});

it.each([
  [`/bin/sh -c #(nop) COPY dir:${'a'.repeat(64)} in /app `, 'COPY dir in /app'],
  ['/bin/sh -c apt-get update', 'RUN apt-get update'],
  ['RUN /bin/sh -c make # buildkit', 'RUN make'],
  ['COPY . /app # buildkit', 'COPY . /app'],
])('tidyStep makes %j readable', (createdBy, expected) => {
  expect(tidyStep(createdBy)).toBe(expected);
});
