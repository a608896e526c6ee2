import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePattern, isPatternText, parsePattern } from '../../src/image/name-pattern.ts';

describe('parsePattern', () => {
  it.each([
    ['shop/*:1.*', 'shop/web:1.0.0', true],
    ['shop/*:1.*', 'shop/web:2.0.0', false],
    ['shop/*:1.*', 'shop/team/web:1.0', false],
    ['shop/*', 'shop/web:1.0.0', true],
    ['*', 'redis:7', true],
    ['*', 'shop/web:1', false],
    ['*/*', 'shop/web:1', true],
    ['red*:?', 'redis:7', true],
    ['red*:?', 'redis:77', false],
    ['shop/web:[0-9]*', 'shop/web:1.0', true],
    ['shop/web:[^0-9]*', 'shop/web:1.0', false],
    ['shop/web:[a-c]', 'shop/web:d', false],
    ['shop/we\\b:1*', 'shop/web:1', true],
    ['localhost:5000/*/*:1', 'localhost:5000/a/b:1', true],
    ['sh*op/**eb', 'shop/web:1', true],
    ['*-*-*', 'a-b-c:1', true],
  ])('%s and %s: %s, as docker images --filter reference has it', (pattern, name, expected) => {
    expect(parsePattern(pattern).matches(name)).toBe(expected);
  });

  it.each(['shop/[', 'shop/[]', 'shop/[a', 'shop/[a-]', 'shop/web\\', 'a*[-b]'])(
    'throws invalid-reference for %s',
    (text) => {
      expect(() => parsePattern(text)).toThrow(expect.objectContaining({ code: 'invalid-reference' }));
    },
  );

  it('is quick for patterns that make others try every way', () => {
    const match = compilePattern(`${'*a'.repeat(50)}*b`);
    expect(match('a'.repeat(2000))).toBeUndefined();
  });
});

describe('compilePattern', () => {
  it('matches what the same regular expression does', () => {
    const letters = fc.constantFrom('a', 'b', '/', ':');
    const signs = fc.constantFrom('a', 'b', '/', ':', '*', '?');
    fc.assert(
      fc.property(
        fc.array(signs, { maxLength: 8 }),
        fc.string({ unit: letters, maxLength: 12 }),
        (pattern, name) => {
          const source = pattern.join('').replace(/[*?]/g, (sign) => (sign === '*' ? '[^/]*' : '[^/]'));
          expect(compilePattern(pattern.join(''))(name) !== undefined).toBe(
            new RegExp(`^${source}$`).test(name),
          );
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('gives what stars stand for, so that the name can be put together again', () => {
    expect(compilePattern('shop/*:1.*')('shop/web:1.2.3')).toEqual(['web', '2.3']);
    expect(compilePattern('shop/web:1')('shop/web:1')).toEqual([]);
  });
});

describe('isPatternText', () => {
  it('tells a class from an IPv6 address', () => {
    expect(isPatternText('[::1]:5000/app:1')).toBe(false);
    expect(isPatternText('app:[12]')).toBe(true);
    expect(isPatternText('app:1')).toBe(false);
  });
});
