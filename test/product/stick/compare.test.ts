import { describe, expect, it } from 'vitest';
import { compareBundles, type ImageChange } from '../../../src/product/stick/compare-bundles.ts';
import { compareParts } from '../../../src/product/stick/compare-parts.ts';
import { sketchBundle, type SketchedImage, sketchParts } from './descriptions.ts';

const image = (name: string, content: string, ...layers: string[]): SketchedImage => ({
  names: name === '' ? [] : [`docker.io/shop/${name}`],
  content,
  layers,
});

function changesOf(before: readonly SketchedImage[], after: readonly SketchedImage[]): string[] {
  const name = (entry: { names: readonly string[] }): string =>
    entry.names.map((text) => text.replace('docker.io/shop/', '')).join('+') || 'untagged';
  const toText = (change: ImageChange): string => {
    const now = 'image' in change ? name(change.image) : '';
    const was = 'before' in change ? ` was ${name(change.before)}` : '';
    return `${change.kind} ${now}${was}${'newSize' in change ? ` +${change.newSize}` : ''}`.replace(
      '  ',
      ' ',
    );
  };
  return compareBundles(sketchBundle(before).description, sketchBundle(after).description).changes.map(
    toText,
  );
}

describe('compareBundles', () => {
  it('tells images that were added, rebuilt, retagged, removed and left as they were', () => {
    const before = [
      image('api:1', 'api', 'base:100', 'api:10'),
      image('web:1', 'web', 'base:100', 'web:20'),
      image('db:15', 'db', 'base:100', 'db:300'),
      image('old:1', 'old', 'old:7'),
      image('tool:1', 'tool', 'tool:5'),
    ];
    const after = [
      image('api:1', 'api, built again', 'base:100', 'api2:11'),
      image('web:2', 'web 2', 'base:100', 'web2:22'),
      image('db:15', 'db', 'base:100', 'db:300'),
      image('renamed:1', 'tool', 'tool:5'),
      image('new:1', 'new', 'base:100', 'new:9', 'new:9'),
    ];
    expect(changesOf(before, after)).toEqual([
      'rebuilt api:1 was api:1 +11',
      'rebuilt web:2 was web:1 +22',
      'same db:15',
      'retagged renamed:1 was tool:1',
      'added new:1 +9',
      'removed was old:1',
    ]);
    const comparison = compareBundles(sketchBundle(before).description, sketchBundle(after).description);
    expect(comparison.newSize).toBe(11 + 22 + 9);
    expect(comparison.goneSize).toBe(10 + 20 + 7);
    expect(comparison.newLayers.size).toBe(3);
  });

  it('lets each old image stand for one new image at most, and the closest', () => {
    expect(
      changesOf(
        [image('web:1', 'one', 'l:1')],
        [image('web:1', 'one', 'l:1'), image('web:2', 'two', 'l:1'), image('', 'three', 'l:1')],
      ),
    ).toEqual(['same web:1', 'added web:2 +0', 'added untagged +0']);
    expect(
      changesOf(
        [image('web:1', 'one', 'l:1'), image('web:2', 'two', 'l:1')],
        [image('web:2', 'three', 'l:1'), image('web:3', 'four', 'l:1')],
      ),
    ).toEqual(['rebuilt web:2 was web:2 +0', 'rebuilt web:3 was web:1 +0']);
  });

  it('finds nothing new in a bundle compared with itself', () => {
    const { description } = sketchBundle([image('a:1', 'a', 'l:1'), image('', 'b', 'l:1')]);
    const comparison = compareBundles(description, description);
    expect(comparison.changes.map(({ kind }) => kind)).toEqual(['same', 'same']);
    expect([comparison.newSize, comparison.goneSize]).toEqual([0, 0]);
  });
});

describe('compareParts', () => {
  const bundle = (...contents: string[]) => sketchBundle([], { parts: sketchParts(contents) }).description;

  it('tells which parts stay, which get another number and which must be written', () => {
    const { changes, dropped, keptSize, writeSize } = compareParts(
      bundle('a', 'b', 'c', 'end'),
      bundle('a', 'x', 'b', 'c', 'other end'),
    );
    expect(changes.map((change) => [change.kind, change.part.name.slice(-3)])).toEqual([
      ['same', '001'],
      ['write', '002'],
      ['renamed', '003'],
      ['renamed', '004'],
      ['write', '005'],
    ]);
    expect(changes[2]).toMatchObject({ from: 'images.tar.xz.002' });
    expect([changes[1], changes[4]]).toMatchObject([{ isReplacing: true }, { isReplacing: false }]);
    expect(dropped).toEqual([]);
    expect([keptSize, writeSize]).toEqual([3 * 1001, 1001 + 1009]);
  });

  it('names the discs that are not needed any more', () => {
    expect(compareParts(bundle('a', 'b', 'c'), bundle('a', 'x')).dropped).toEqual(['images.tar.xz.003']);
    const same = compareParts(bundle('a', 'b'), bundle('a', 'b'));
    expect([same.writeSize, same.dropped]).toEqual([0, []]);
  });
});
