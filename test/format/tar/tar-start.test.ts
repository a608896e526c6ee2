import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TarCheck } from '../../../src/format/tar/tar-check.ts';
import { TarStart } from '../../../src/format/tar/tar-start.ts';
import { loadableCases } from '../../fixtures/loadable-cases.ts';
import { packMembers } from '../../fixtures/pack-members.ts';

function faultOf(bytes: Uint8Array, sizes: readonly number[] = [bytes.length || 1]): string | undefined {
  const start = new TarStart();
  for (let position = 0, turn = 0; position < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    start.push(bytes.subarray(position, position + size));
    position += size;
  }
  return start.findFaultAtEnd();
}

const layers = loadableCases.flatMap(({ image }) => image.layers.slice(0, 1));

it('TarStart says the same in whatever chunks the bytes come, and knows a fault before the end', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...layers),
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 4 }),
      (layer, sizes) => {
        expect(faultOf(layer, sizes)).toBe(faultOf(layer));
        const start = new TarStart();
        start.push(layer);
        if (layer.length >= 1024) expect(start.findFault()).toBe(start.findFaultAtEnd());
      },
    ),
  );
});

it('TarStart takes every tar that tar-stream packs, and no text and no noise', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ minLength: 1, maxLength: 300 }), { maxLength: 3 }),
      async (names) => {
        const tar = await packMembers(names.map((name) => ({ name: `d/${name}`, content: name })));
        expect(faultOf(tar)).toBe(undefined);
      },
    ),
  );
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 1500 }), (noise) => {
      const isZero = noise.length % 512 === 0 && noise.every((byte) => byte === 0);
      expect(faultOf(noise) === undefined).toBe(isZero);
    }),
  );
});

it('TarCheck says the same in whatever chunks the bytes come, and nothing else of a start than TarStart', () => {
  const ask = (bytes: Uint8Array, sizes: readonly number[]): string | undefined => {
    const check = new TarCheck();
    for (let position = 0, turn = 0; position < bytes.length; turn += 1) {
      const size = sizes[turn % sizes.length] ?? 1;
      check.push(bytes.subarray(position, position + size));
      position += size;
    }
    return check.findFaultAtEnd();
  };
  fc.assert(
    fc.property(
      fc.constantFrom(...layers),
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 4 }),
      (layer, sizes) => {
        const whole = ask(layer, [layer.length || 1]);
        expect(ask(layer, sizes)).toBe(whole);
        if (faultOf(layer) !== undefined) expect(whole).toBe(faultOf(layer));
      },
    ),
  );
});

it('TarCheck takes every tar that tar-stream packs, and none that ends within a header or a content', async () => {
  const content = 'x'.repeat(700);
  const tar = await packMembers([
    { name: 'a', content },
    { name: 'b', content },
  ]);
  // Each member has 512 bytes of header, 700 of content and 324 of padding; then there are two blocks of zeros.
  const isWhole = (size: number): boolean =>
    size === 0 || (size < 3072 ? size % 1536 >= 1212 || size === 1536 : size % 512 === 0);
  expect(tar.length).toBe(2 * 1536 + 1024);
  for (let size = 0; size <= tar.length; size += 4) {
    const check = new TarCheck();
    check.push(tar.subarray(0, size));
    expect([size, check.findFaultAtEnd() === undefined]).toEqual([size, isWhole(size)]);
  }
});
