import { describe, expect, it } from 'vitest';
import { imageNotFound } from '../../src/image/image-not-found.ts';
import { parseReference } from '../../src/image/reference.ts';

const known = [
  'docker.io/shop/web:1',
  'docker.io/shop/web:2',
  'docker.io/shop/api:1',
  'docker.io/library/redis:7',
];

describe('imageNotFound', () => {
  it.each([
    ['shop/*:9.*', 'Did you mean shop/api:1, shop/web:1, shop/web:2?'],
    ['shop/wbe:*', 'Did you mean shop/web:1, shop/web:2?'],
    ['shop/web:[3-9]', 'Did you mean shop/web:1, shop/web:2?'],
    ['shop/[wx]eb:9', 'Did you mean shop/web:1, shop/web:2?'],
    ['nobody/*', 'It has redis:7, shop/api:1, shop/web:1, shop/web:2.'],
    ['shop/web:3', 'Did you mean shop/web:1, shop/web:2?'],
  ])('says of %s: %s', (text, hint) => {
    const error = imageNotFound(parseReference(text), 'archive "x"', known);
    expect(error).toMatchObject({ code: 'image-not-found', hint });
  });

  it('throws nothing for patterns whose repository is none of its own', () => {
    expect(imageNotFound(parseReference('web:[a:b]'), 'archive "x"', known).code).toBe('image-not-found');
  });
});
