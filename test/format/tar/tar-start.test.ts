import fc from 'fast-check';
import { expect, it } from 'vitest';
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
