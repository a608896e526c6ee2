import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf, hexOf } from '../../src/ground/digest.ts';
import type { Image } from '../../src/image/image.ts';
import { familiarName, normaliseTag } from '../../src/image/reference.ts';
import { applyTagRules, parseTagRule } from '../../src/image/tag-rules.ts';

function image(seed: string, ...tags: readonly string[]): Image {
  const config = Buffer.from(seed);
  return { configDigest: digestOf(config), config, layers: [], tags: tags.map(normaliseTag).sort() };
}

const web = image('web', 'shop/web:1', 'shop/web:latest');
const api = image('api', 'shop/api:1');
const redis = image('redis', 'redis:7');

function rename(images: readonly Image[], ...rules: readonly string[]): string[][] {
  return applyTagRules(
    images,
    rules.map((rule) => parseTagRule(rule)),
  ).map(({ tags }) => tags.map(familiarName));
}

describe('applyTagRules', () => {
  it('leaves images alone that no rule is for', () => {
    expect(applyTagRules([web, api], [])).toEqual([web, api]);
    expect(rename([web, api], 'shop/web:1=customer.example/web:stable')).toEqual([
      ['customer.example/web:stable', 'shop/web:latest'],
      ['shop/api:1'],
    ]);
  });

  it('fills stars, and keeps tags that the new name does not have', () => {
    expect(rename([web, api, redis], 'shop/*=customer/*')).toEqual([
      ['customer/web:1', 'customer/web:latest'],
      ['customer/api:1'],
      ['redis:7'],
    ]);
    expect(rename([web, api], 'shop/*:1=registry.customer.example/shop-*:v1.0')).toEqual([
      ['shop/web:latest', 'registry.customer.example/shop-web:v1.0'],
      ['registry.customer.example/shop-api:v1.0'],
    ]);
    expect(rename([redis], 'docker.io/library/redis=mirror.example/redis')).toEqual([
      ['mirror.example/redis:7'],
    ]);
  });

  it('gives several names where several rules are for one', () => {
    expect(rename([api], 'shop/api:1=a:1', 'shop/api:1=shop/api:1')).toEqual([['a:1', 'shop/api:1']]);
  });

  it('looks at names as they were, so that they can be swapped, in any order', () => {
    const rules = ['shop/api:1=redis:7', 'redis:7=shop/api:1'];
    expect(rename([api, redis], ...rules)).toEqual([['redis:7'], ['shop/api:1']]);
    expect(rename([api, redis], ...rules.reverse())).toEqual([['redis:7'], ['shop/api:1']]);
  });

  it('names an image by its id', () => {
    const bare = image('bare');
    expect(rename([bare], `${hexOf(bare.configDigest).slice(0, 12)}=shop/bare:1`)).toEqual([['shop/bare:1']]);
  });

  it('throws invalid-argument where two images would have one name, and says which', () => {
    expect(() => rename([web, api], 'shop/*:1=customer/all:1')).toThrow(
      expect.objectContaining({
        code: 'invalid-argument',
        message: expect.stringMatching(
          /"customer\/all:1": they are shop\/web:1 .* and shop\/api:1/,
        ) as string,
      }),
    );
    expect(() => rename([api, image('other', 'shop/api:1')])).toThrow(/Cannot name two images "shop\/api:1"/);
  });

  it('throws invalid-argument for a rule that no image is for, with near misses, unless it need not be', () => {
    expect(() => rename([web, api], 'shop/wbe:1=a:1')).toThrow(
      expect.objectContaining({
        code: 'invalid-argument',
        hint: 'Did you mean shop/web:1, shop/web:latest?',
      }),
    );
    expect(applyTagRules([web], [parseTagRule('shop/wbe:1=a:1', false)])).toEqual([web]);
  });

  it('gives sorted names whatever the order of the rules', () => {
    const rules = ['shop/web:1=z:1', 'shop/web:1=a:1', 'shop/*=m/*', 'shop/api:1=b:2'];
    fc.assert(
      fc.property(fc.shuffledSubarray(rules, { minLength: rules.length }), (order) => {
        expect(rename([web, api], ...order)).toEqual(rename([web, api], ...rules));
      }),
    );
  });
});

describe('parseTagRule', () => {
  it.each([
    'shop/web:1',
    '=a:1',
    'a:1=',
    'a=b=c',
    'shop/*=a/*/*',
    'shop/**=a/*',
    'shop/[ab]=a/b',
    'shop/?=b',
    'shop/Web:1=a:1',
    'shop/web:1=A:1',
    '0123456789ab=a',
    `a@sha256:${'0'.repeat(64)}=a:1`,
  ])('refuses %s', (text) => {
    expect(() => parseTagRule(text)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^invalid-(argument|reference)$/) as string }),
    );
  });
});
