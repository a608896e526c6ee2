import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/ground/digest.ts';
import { isGoTime } from '../../../src/image/json/go-time.ts';
import {
  goBool,
  GoJsonFault,
  goMap,
  goPointer,
  goSlice,
  goString,
  goStruct,
  readGoJson,
} from '../../../src/image/json/go-json.ts';
import { parseImageConfig } from '../../../src/image/image-config.ts';
import { deepestNesting, isDeeperThan } from '../../../src/image/json/json-text.ts';

const inner = goStruct({ a: goString, b: goBool });
const type = goStruct({
  name: goString,
  list: goSlice(inner, {}),
  map: goMap(goString, ''),
  at: goPointer(inner),
});
const read = (text: string): unknown => readGoJson(Buffer.from(text), type);

// What Go 1.24 makes of these, printed with %+v.
describe('readGoJson reads a key that comes twice over what the first has left', () => {
  it.each([
    ['{"name":"x","NAME":"y"}', { name: 'y' }],
    ['{"name":"x","name":null}', { name: 'x' }],
    ['{"at":{"a":"x"},"At":{"b":true}}', { at: { a: 'x', b: true } }],
    ['{"at":{"a":"x"},"at":null}', { at: undefined }],
    ['{"at":null,"at":{"b":false}}', { at: { b: false } }],
    ['{"list":[{"a":"x"},{}],"list":[{"b":true}]}', { list: [{ a: 'x', b: true }] }],
    ['{"list":[{"a":"x"}],"list":[null,{"a":"y"}]}', { list: [{ a: 'x' }, { a: 'y' }] }],
    ['{"list":[{"a":"x"}],"list":null}', { list: undefined }],
    ['{"list":[{"a":"x"}],"list":[]}', { list: [] }],
    [
      '{"map":{"k":"x","l":"y"},"map":{"k":null}}',
      {
        map: new Map([
          ['k', ''],
          ['l', 'y'],
        ]),
      },
    ],
    ['{"n\\u0061me":"\\u00e9"}', { name: 'é' }],
    ['null', {}],
  ])('%s', (text, value) => {
    expect(read(text)).toEqual(value);
  });
});

it('readGoJson says where the fault is', () => {
  const faults = [
    ['{"list":[{},{"a":1}]}', 'list[1].a is a number, a string was expected'],
    ['{"map":{"k":[]}}', 'map.k is an array, a string was expected'],
    ['{"at":{"B":"x"}}', 'at.b is a string, true or false was expected'],
    ['[]', 'it is an array, an object was expected'],
    ['{"name":"x"', 'it is not JSON'],
  ] as const;
  for (const [text, message] of faults) {
    expect(() => read(text)).toThrow(GoJsonFault);
    expect(() => read(text)).toThrow(message);
  }
});

/** Any JSON, with spaces wherever they may be. */
const anyJson = fc
  .tuple(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom('', ' ', '\n\t'))
  .map(([value, space]) => JSON.stringify(value, undefined, space));

it('parseImageConfig finds the layers behind any value of any other key', () => {
  const diffId = digestOf(Buffer.from('layer'));
  const otherKey = fc
    .string()
    .filter((key) => !/^(?:roots?fs|rootfſ)$/i.test(key))
    .map((key) => `x${key}`);
  fc.assert(
    fc.property(fc.array(fc.tuple(otherKey, anyJson), { maxLength: 5 }), (others) => {
      const members = others.map(([key, json]) => `${JSON.stringify(key)} : ${json} ,`).join('\r\n');
      const text = ` {${members} "rootfs":{"type":"layers","diff_ids":["${diffId}"]}, "last":[${others.length}] } `;
      expect(parseImageConfig(Buffer.from(text), 'it').diffIds).toEqual([diffId]);
    }),
  );
});

it('parseImageConfig takes a name as docker would show it: what is no UTF-8 is replaced', () => {
  const bytes = Buffer.from('{"rootfs":{},"os":"l\xff"}', 'latin1');
  expect(parseImageConfig(bytes, 'it').platform.os).toBe('l\ufffd');
});

it('isDeeperThan counts brackets outside of strings, in JSON of millions of signs too', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue({ maxDepth: 5 })), (value) => {
      const depth = depthOf(value);
      const text = JSON.stringify(value);
      expect([isDeeperThan(text, depth), isDeeperThan(text, depth - 1)]).toEqual([false, true]);
    }),
  );
  const long = JSON.stringify({ a: '["\\'.repeat(1_000_000) });
  expect(isDeeperThan(long, 1)).toBe(false);
  const text = `{"rootfs":{},"x":${long},"y":"${'z'.repeat(8_000_000)}"}`;
  expect(parseImageConfig(Buffer.from(text), 'it').diffIds).toEqual([]);
  const deep = '['.repeat(5_000_000);
  expect(() => readGoJson(Buffer.from(deep), type)).toThrow(String(deepestNesting));
});

it('isGoTime takes every time that JavaScript writes, and no date that there is not', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
      expect(isGoTime(JSON.stringify(date))).toBe(true);
    }),
  );
  for (let day = 28; day <= 31; day += 1) {
    for (const [year, month] of [
      [2023, 2],
      [2024, 2],
      [1900, 2],
      [2000, 2],
      [2024, 4],
      [2024, 12],
    ] as const) {
      const text = `${year}-${String(month).padStart(2, '0')}-${day}T00:00:00Z`;
      const isDate = new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day;
      expect([text, isGoTime(`"${text}"`)]).toEqual([text, isDate]);
    }
  }
});

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Object.values(value).reduce((deepest: number, one) => Math.max(deepest, depthOf(one)), 0);
}
