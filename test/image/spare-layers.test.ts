import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findSpareLayers } from '../../src/image/spare-layers.ts';
import { type DiffId, digestOf } from '../../src/ground/digest.ts';

const layer = (name: string): DiffId => digestOf(Buffer.from(name)) as DiffId;
const image = (...names: readonly string[]): { readonly layers: readonly DiffId[] } => ({
  layers: names.map(layer),
});
const spareNames = (
  images: Parameters<typeof findSpareLayers>[0],
  present: Parameters<typeof findSpareLayers>[1],
): string[] => ['a', 'b', 'c', 'd'].filter((name) => findSpareLayers(images, present).has(layer(name)));

describe('findSpareLayers', () => {
  it('spares a chain from the lowest layer up, as far as it is the same', () => {
    expect(spareNames([image('a', 'b', 'c')], [image('a', 'b', 'd')])).toEqual(['a', 'b']);
    expect(spareNames([image('a', 'b')], [image('a', 'b', 'c')])).toEqual(['a', 'b']);
  });

  it('spares no layer that is there above others, or alone in the middle', () => {
    expect(spareNames([image('a', 'b')], [image('b')])).toEqual([]);
    expect(spareNames([image('a', 'b', 'c')], [image('d', 'b', 'c')])).toEqual([]);
  });

  it('sends a layer that one image has where it is there and another where it is not', () => {
    expect(spareNames([image('a', 'b'), image('c', 'b')], [image('a', 'b')])).toEqual(['a']);
    expect(spareNames([image('a', 'b', 'a')], [image('a', 'b')])).toEqual(['b']);
    expect(spareNames([image('a', 'b', 'a')], [image('a', 'b', 'a')])).toEqual(['a', 'b']);
  });

  it('spares all that is there already, and nothing for an engine without images', () => {
    const layers = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 5 });
    fc.assert(
      fc.property(fc.array(layers, { maxLength: 4 }), (some) => {
        const images = some.map((names) => image(...names));
        expect([...findSpareLayers(images, images)].sort()).toEqual(
          [...new Set(images.flatMap((one) => one.layers))].sort(),
        );
        expect(findSpareLayers(images, []).size).toBe(0);
      }),
    );
  });
});
