import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { automaticLimits } from '../../../src/request/cache-limits.ts';
import { chooseParts } from '../../../src/request/part-size.ts';
import { parseProjectFile } from '../../../src/request/project-file.ts';

describe('chooseParts', () => {
  it.each([
    ['', {}],
    ['stick: { maxFileSize: 4095M }', { maxFileSize: 4095 * 2 ** 20 }],
    ['stick: { maxFileSize: 700 MB }', { maxFileSize: 700e6 }],
    ['stick: { maxFileSize: 1.5GiB }', { maxFileSize: 1.5 * 2 ** 30 }],
    ['stick: { maxFileSize: 5000 }', { maxFileSize: 5000 }],
    ['stick: { media: cd }', { media: 'cd' }],
  ])('%j gives %o', (text, expected) => {
    expect(chooseParts(parseProjectFile(text, '/x/bundlefs.yaml').stick)).toEqual(expected);
  });

  it('and automaticLimits understand every size that a project file may have, as the same', () => {
    const units = ['', 'B', ...['k', 'K', 'M', 'G', 'T'].flatMap((unit) => [unit, `${unit}B`, `${unit}iB`])];
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999 }), fc.constantFrom(...units), (count, unit) => {
        const text = `stick: { maxFileSize: "${count}${unit}" }\ngc: { maxSize: "${count}${unit}" }`;
        const { stick, gc = {} } = parseProjectFile(text, '/x/bundlefs.yaml');
        expect(chooseParts(stick).maxFileSize).toBe(automaticLimits(gc, {}).maxSize);
      }),
    );
  });

  it('throws invalid-argument for a size that is none', () => {
    for (const maxFileSize of ['0M', '0.0000001M', 'much']) {
      expect(() => chooseParts({ maxFileSize })).toThrow(
        expect.objectContaining({ code: 'invalid-argument' }),
      );
    }
  });
});
