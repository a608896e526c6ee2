import { describe, expect, it } from 'vitest';
import { firstStickIno, listStickEntries } from '../../../src/cli/serve/bundle-files.ts';
import { digestOf } from '../../../src/ground/digest.ts';
import type { Stick } from '../../../src/product/stick/create-stick.ts';
import { sketchBundle } from '../../product/stick/descriptions.ts';

/** A stick of small files by name and text. */
function createFiles(files: Readonly<Record<string, string>>, mtimeMs = 5000): Stick {
  return {
    description: sketchBundle([]).description,
    files: Object.entries(files).map(([name, text]) => {
      const bytes = Buffer.from(text);
      const content = { kind: 'bytes', bytes } as const;
      return { name, mode: 0o444, mtimeMs, size: bytes.length, digest: digestOf(bytes), content };
    }),
  };
}

function inosOf(stick: Stick): Record<string, number> {
  return Object.fromEntries(listStickEntries(stick).map(({ name, ino }) => [name, ino]));
}

describe('listStickEntries', () => {
  it('gives a file another inode number when its bytes are others, and the same while they stay', () => {
    const first = inosOf(createFiles({ a: 'one', b: 'two' }));
    const second = inosOf(createFiles({ b: 'two', a: 'three' }, 9000));
    expect(second['b']).toBe(first['b']);
    expect(second['a']).not.toBe(first['a']);
    expect(inosOf(createFiles({ c: 'one' }))['c']).not.toBe(first['a']);
  });

  it('leaves small inode numbers to other entries', () => {
    const inos = listStickEntries(createFiles({ a: 'one', b: 'one' })).map(({ ino }) => ino);
    expect(Math.min(...inos)).toBeGreaterThanOrEqual(firstStickIno);
    expect(new Set(inos).size).toBe(2);
  });
});
