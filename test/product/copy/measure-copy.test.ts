import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { traitsOfFileSystem } from '../../../src/product/copy/file-systems.ts';
import { measureCopy } from '../../../src/product/copy/measure-copy.ts';
import { parseSums } from '../../../src/product/copy/folder-source.ts';
import type { CopyFile } from '../../../src/product/copy/copy-source.ts';
import { digestOf } from '../../../src/ground/digest.ts';

const gib = 2 ** 30;
const digest = digestOf(Buffer.from('a'));

function fileOf(name: string, size: number): CopyFile {
  const none = (): never => {
    throw new TypeError('not read here');
  };
  return { name, mode: 0o444, mtimeMs: 0, digest, content: { size, read: none, stream: none } };
}

const nothing = { stale: [], stalePartials: [], foreign: [], readKind: undefined } as const;
const emptySurvey = {
  files: new Map(),
  partials: new Map(),
  sums: new Map(),
  ours: new Set<string>(),
  others: [],
};
const regular = (size: number): { size: number; allocatedSize: number; isRegular: true } => ({
  size,
  allocatedSize: size,
  isRegular: true,
});

describe('measureCopy', () => {
  it('knows which file FAT32 cannot hold, and that exFAT can', () => {
    const files = [4 * gib - 1, 4 * gib].map(
      (size, index) =>
        ({ kind: 'write', file: fileOf(`images.tar.xz.00${index}`, size), replaced: undefined }) as const,
    );
    const plan = { ...nothing, files };
    const fat = { blockSize: 4096, traits: traitsOfFileSystem('vfat', 0x4d44) };
    expect(measureCopy(plan, emptySurvey, fat).tooLarge).toEqual({
      name: 'images.tar.xz.001',
      size: 4 * gib,
    });
    const exfat = { blockSize: 4096, traits: traitsOfFileSystem('exfat', 0x2011bab0) };
    expect(measureCopy(plan, emptySurvey, exfat).tooLarge).toBeUndefined();
  });

  it('needs room for what is new beside what is old, less what is half-written; in place less the old, too', () => {
    const replaced = regular(8192 * 3);
    const plan = {
      ...nothing,
      files: [{ kind: 'write', file: fileOf('images.tar.xz', 8192 * 10 + 1), replaced } as const],
      stale: ['images.tar.xz.001'],
    };
    const survey = {
      ...emptySurvey,
      files: new Map([['images.tar.xz.001', regular(8192)]]),
      partials: new Map([['images.tar.xz', regular(8192 * 2)]]),
    };
    const measure = measureCopy(plan, survey, { blockSize: 8192, traits: {} });
    const empty = measureCopy({ ...plan, stale: [] }, emptySurvey, { blockSize: 8192, traits: {} });
    expect(empty.neededSize - measure.neededSize).toBe(8192 * 2);
    expect(measure.neededSize - measure.neededInPlace).toBe(8192 * 4);
    expect(measure).toMatchObject({
      writeCount: 1,
      writeSize: 8192 * 10 + 1,
      partialSize: 8192 * 2,
      removeCount: 1,
    });
  });
});

describe('parseSums', () => {
  it('reads what it is given by name, whatever the line ends', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/);
    fc.assert(
      fc.property(fc.uniqueArray(name), fc.constantFrom('\n', '\r\n'), (names, end) => {
        const text = names.map((each) => `${digestOf(Buffer.from(each)).slice(7)}  ${each}${end}`).join('');
        expect(parseSums(text)).toEqual(new Map(names.map((each) => [each, digestOf(Buffer.from(each))])));
      }),
    );
  });

  it.each(['../x', '/etc/passwd', '.hidden', 'a b', ''])('takes no list with the name "%s"', (name) => {
    expect(parseSums(`${digest.slice(7)}  ${name}\n`)).toBeUndefined();
  });
});
