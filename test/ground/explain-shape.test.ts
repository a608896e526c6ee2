import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { checkShape } from '../../src/ground/explain-shape.ts';
import { goObject } from '../../src/image/json/foreign-json.ts';

const schema = z.object({
  size: z.number(),
  count: z.int().min(2).optional(),
  format: z.literal('one').optional(),
  kind: z.enum(['a', 'b']).optional(),
  digest: z
    .string()
    .regex(/^sha256:/)
    .optional(),
  either: z.union([z.string(), z.object({ name: z.string() })]).optional(),
  layers: z.array(goObject({ Size: z.number() })).optional(),
  strict: z.strictObject({ a: z.number().optional() }).optional(),
  own: z
    .unknown()
    .refine((value) => value === undefined, 'only nothing will do')
    .optional(),
});

function faultOf(
  value: unknown,
  of: z.ZodType = schema,
  path: readonly PropertyKey[] = [],
): string | undefined {
  const shaped = checkShape(value, of, path);
  return shaped.isRight ? undefined : shaped.fault;
}

describe('checkShape', () => {
  it.each([
    [[], 'it is a list, an object was expected'],
    [null, 'it is null, an object was expected'],
    [{}, '"size" is missing, a number was expected'],
    [{ size: 'secret' }, '"size" is a text, a number was expected'],
    [{ size: '' }, '"size" is an empty text, a number was expected'],
    [{ size: true }, '"size" is true, a number was expected'],
    [{ size: {} }, '"size" is an object, a number was expected'],
    [{ size: 1, count: 1.5 }, '"count" is a number, a whole number was expected'],
    [{ size: 1, count: 1 }, '"count" is a number, at least 2 was expected'],
    [{ size: 1, format: 'two' }, '"format" is a text, "one" was expected'],
    [{ size: 1, kind: 'c' }, '"kind" is a text, one of a, b was expected'],
    [{ size: 1, digest: 'md5:1' }, '"digest" is a text of another form than was expected'],
    [{ size: 1, either: 5 }, '"either" is a number of another form than was expected'],
    [{ size: 1, either: { name: 5 } }, '"either.name" is a number, a text was expected'],
    [{ size: 1, layers: [{ Size: 1 }, { sIZE: '1' }] }, '"layers[1].Size" is a text, a number was expected'],
    [{ size: 1, layers: [{}] }, '"layers[0].Size" is missing, a number was expected'],
    [{ size: 1, strict: { b: 1 } }, '"strict.b" is not a key that is known'],
    [{ size: 1, own: 1 }, '"own" is wrong: only nothing will do'],
  ])('names the fault of %j', (value, fault) => {
    expect(faultOf(value)).toBe(fault);
  });

  it('puts the path of a part before its own', () => {
    expect(faultOf({ Size: '1' }, goObject({ Size: z.number() }), [3, 'x'])).toBe(
      '"[3].x.Size" is a text, a number was expected',
    );
  });

  it("never shows a value, nor zod's own words", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 12, unit: fc.constantFrom('Q', 'Z') }),
        fc.string(),
        (secret, key) => {
          for (const value of [secret, { size: secret }, { size: 1, digest: secret, [key]: secret }]) {
            expect(faultOf(value) ?? '').not.toMatch(/[QZ]{12}|Invalid|expected string|received/);
          }
        },
      ),
    );
  });
});
