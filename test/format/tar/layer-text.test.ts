/** Names of layers as text: the same bytes come back, and two names are never one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeLayerText, encodeLayerText } from '../../../src/format/tar/layer-text.ts';

const bytes = fc
  .array(fc.constantFrom(0x2f, 0x61, 0xc3, 0xa9, 0xe9, 0xff, 0xf0, 0x9f, 0x98, 0x80), { maxLength: 12 })
  .map((list) => Buffer.from(list));

describe('decodeLayerText', () => {
  it('gives text from which encodeLayerText makes the same bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          bytes,
          fc.uint8Array({ maxLength: 20 }).map((list) => Buffer.from(list)),
        ),
        (name) => {
          expect(encodeLayerText(decodeLayerText(name))).toEqual(name);
        },
      ),
    );
  });

  it('gives the same text for one folder, whether what is in it is UTF-8 or not', () => {
    const folder = Buffer.from('é/');
    const inside = decodeLayerText(Buffer.concat([folder, Buffer.from([0xe9])]));
    expect(inside.split('/')[0]).toBe('é');
    expect(inside.split('/')[1]).not.toBe('é');
  });
});
