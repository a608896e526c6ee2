/** JSON as text: documents at random are split and joined to what they were, and nothing but what is replaced changes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isGoKey,
  joinArray,
  joinObject,
  replaceField,
  splitArray,
  splitObject,
  tidyJson,
  writeJson,
} from '../../src/transforms/json-text.ts';

const latin1 = (text: string): string => Buffer.from(text).toString('latin1');
const space = fc.constantFrom('', ' ', '\n\t', '\r\n  ');
/** Values as their text may be, of which JSON.stringify would change most. */
const scalar = fc.oneof(
  fc.constantFrom('9007199254740993', '1.0', '1e400', '-0', '-0.0e-7', '0.1e+2', 'true', 'null'),
  fc.constantFrom('"\\u0041"', '"\\/"', '"\\\\"', '"\\""', '"]}"', '"{,:"', '""', '"é"', '"\\ud800"'),
  fc.string().map((text) => JSON.stringify(text)),
);
const keys = fc.constantFrom('a', 'A', '__proto__', 'constructor', '\\u0061', 'é', '', '9', '1');
const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc
      .tuple(fc.array(tie('value')), space)
      .map(([items, gap]) => `[${gap}${items.join(`${gap},${gap}`)}${gap}]`),
    fc
      .tuple(fc.array(fc.tuple(keys, tie('value'))), space)
      .map(
        ([items, gap]) =>
          `{${gap}${items.map(([key, one]) => `"${key}"${gap}:${gap}${one}`).join(`${gap},`)}${gap}}`,
      ),
  ),
}));

describe('splitObject and splitArray', () => {
  it('give keys and values as they stand there, in their order, several of one key too', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(keys, value)), space, (items, gap) => {
        const text = `${gap}{${gap}${items.map(([key, one]) => `"${key}"${gap}:${one}${gap}`).join(`,${gap}`)}}${gap}`;
        const fields = splitObject(latin1(text));
        expect(fields?.map(({ name, value: found }) => [name, found])).toEqual(
          items.map(([key, one]) => [`"${latin1(key)}"`, latin1(one)]),
        );
        expect(fields?.map(({ key }) => key)).toEqual(items.map(([key]) => JSON.parse(`"${key}"`) as string));
        expect(tidyJson(joinObject(fields ?? []))).toBe(tidyJson(latin1(text)));
        expect(JSON.parse(Buffer.from(joinObject(fields ?? []), 'latin1').toString())).toEqual(
          JSON.parse(text),
        );
      }),
    );
    fc.assert(
      fc.property(fc.array(value), space, (items, gap) => {
        const text = latin1(`${gap}[${gap}${items.join(`${gap},${gap}`)}${gap}]`);
        expect(splitArray(text)).toEqual(items.map(latin1));
        expect(joinArray(splitArray(text) ?? [])).toBe(`[${items.map(latin1).join(',')}]`);
      }),
    );
  });

  it('give undefined for other values, and take documents of any depth', () => {
    expect(['[]', '"{}"', '1', 'null', ''].map(splitObject)).toEqual(Array(5).fill(undefined));
    expect(['{}', '"[]"', 'true'].map(splitArray)).toEqual(Array(3).fill(undefined));
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    expect(splitObject(`{"a":${deep}}`)?.[0]?.value).toBe(deep);
  });
});

it('replaceField changes one value, takes others of its key away, and adds what is not there', () => {
  const fields = splitObject('{"B":1.0,"a":2,"b":3}') ?? [];
  const isB = (key: string): boolean => isGoKey(key, 'b');
  expect(joinObject(replaceField(fields, 'b', isB, '4'))).toBe('{"B":4,"a":2}');
  expect(joinObject(replaceField(fields, 'c', (key) => key === 'c', '5'))).toBe(
    '{"B":1.0,"a":2,"b":3,"c":5}',
  );
});

it.each([
  ['rootfs', true],
  ['RootFS', true],
  ['ROOTFſ', true],
  ['rootf', false],
  ['root_fs', false],
])('isGoKey takes %s for rootfs: %s', (key, expected) => {
  expect(isGoKey(key, 'rootfs')).toBe(expected);
});

it('tidyJson makes one text of those that mean the same, and leaves numbers', () => {
  expect(tidyJson(' { "\\u0041" : [ 1.0 , "\\/" ] } ')).toBe('{"A":[1.0,"/"]}');
  expect(tidyJson(latin1('"\\u00e9"'))).toBe(writeJson('é'));
});
