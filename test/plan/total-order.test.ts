import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DiffId, digestOf } from '../../src/ground/digest.ts';
import type { Image } from '../../src/image/image.ts';
import { compareText, orderImages, orderLayers } from '../../src/plan/total-order.ts';

const layer = (name: string): DiffId => digestOf(Buffer.from(name)) as DiffId;

function image(name: string, tags: readonly string[], layers: readonly string[]): Image {
  const config = Buffer.from(name);
  return { config, configDigest: digestOf(config), tags, layers: layers.map(layer) };
}

const images = [
  image('web', ['docker.io/shop/web:1'], ['base', 'python', 'web']),
  image('api', ['docker.io/shop/api:1', 'docker.io/shop/api:latest'], ['base', 'node', 'base']),
  image('untagged', [], ['base', 'odd']),
  image('empty', ['a.example/empty:1'], []),
  image('web', ['docker.io/shop/web:latest'], ['base', 'python', 'web']),
];

describe('orderImages', () => {
  it('puts images in the order of their first tags, untagged ones last', () => {
    expect(orderImages(images).map(({ tags }) => tags)).toEqual([
      ['a.example/empty:1'],
      ['docker.io/shop/api:1', 'docker.io/shop/api:latest'],
      ['docker.io/shop/web:1', 'docker.io/shop/web:latest'],
      [],
    ]);
  });

  it('gives one order for every order of its input', () => {
    const wanted = orderImages(images);
    fc.assert(
      fc.property(fc.shuffledSubarray(images, { minLength: images.length }), (shuffled) => {
        expect(orderImages(shuffled)).toEqual(wanted);
      }),
    );
  });
});

describe('orderLayers', () => {
  it('lists every layer once, by lowest depth and then by image', () => {
    expect(orderLayers(orderImages(images))).toEqual(['base', 'node', 'python', 'odd', 'web'].map(layer));
  });
});

describe('compareText', () => {
  it('compares by code units, not by locale', () => {
    expect(['b', 'B', 'a', 'Z'].sort(compareText)).toEqual(['B', 'Z', 'a', 'b']);
  });
});
