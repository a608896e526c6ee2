import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BlockKey } from '../../../src/plan/layout/block-record.ts';
import type { ListedBuild } from '../../../src/cache/build-journal.ts';
import { type DiffId, digestOf } from '../../../src/ground/digest.ts';
import { chooseBuild, countNumbers, numberBuilds } from '../../../src/inspect/find/choose-build.ts';
import { parseReference } from '../../../src/image/reference.ts';

const digest = (text: string): DiffId => digestOf(Buffer.from(text)) as DiffId;

/** The build of a bundle called by a letter, with one image; `?` is one that failed. */
function build(letter: string, verb = 'build', encodedBlocks: readonly BlockKey[] = []): ListedBuild {
  return {
    ...{ id: '', format: 'bundlefs-build-1', startedAt: '', endedAt: '', verb, source: '', version: '' },
    profile: '',
    ...(letter !== '?' && { recipe: digest(letter) }),
    images: [
      { names: ['docker.io/tiny/web:1'], config: digest(`image ${letter}`), layers: [digest(letter)] },
    ],
    encodedBlocks: [...encodedBlocks],
    costs: { seconds: 0, readSeconds: 0, encodeSeconds: 0, cpuSeconds: 0, readSize: 0 },
  };
}

const newestFirst = (letters: string): ListedBuild[] => Array.from(letters, (letter) => build(letter));

describe('numberBuilds', () => {
  it.each([
    ['', []],
    ['b', [0]],
    ['cba', [0, 1, 2]],
    ['bba', [0, 0, 1]],
    ['b?ba', [0, 0, 1]],
    ['abba', [0, 1, 1, 2]],
  ])('counts bundles and not builds: %j', (letters, numbers) => {
    expect(numberBuilds(newestFirst(letters)).map(({ number }) => number)).toEqual(numbers);
  });

  it('changes no number when the last bundle is built again, or anything as the base of a delta', () => {
    const journals = fc.array(fc.constantFrom('a', 'b', 'c', '?'), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(journals, fc.array(fc.constantFrom('a', 'b', 'c')), (letters, bases) => {
        const builds = letters.map((letter) => build(letter));
        const last = builds.find(({ recipe }) => recipe !== undefined);
        const again = [...bases.map((letter) => build(letter, 'base')), ...(last ? [last] : []), ...builds];
        const firstOf = (journal: readonly ListedBuild[]): unknown[] => {
          const numbered = numberBuilds(journal);
          return Array.from(
            { length: countNumbers(numbered) },
            (_, index) => numbered.find(({ number }) => number === index)?.recipe,
          );
        };
        expect(firstOf(again)).toEqual(firstOf(builds));
      }),
    );
  });
});

describe('chooseBuild', () => {
  const web = parseReference('tiny/web:1');
  const wasEncoded = (_image: unknown, encoded: ReadonlySet<BlockKey>): Promise<boolean> =>
    Promise.resolve(encoded.size > 0);

  it('of several builds of one bundle takes the one that encoded, and what was before from another bundle', async () => {
    const builds = numberBuilds([build('b'), build('b', 'build', ['x' as BlockKey]), build('b'), build('a')]);
    for (const wanted of [undefined, 0]) {
      const chosen = await chooseBuild(builds, web, wasEncoded, wanted);
      expect([chosen?.index, chosen?.build.encodedBlocks]).toEqual([0, ['x']]);
      expect([chosen?.earlier?.index, chosen?.earlier?.image.id]).toEqual([1, digest('image a')]);
    }
    const older = await chooseBuild(builds, web, wasEncoded, 1);
    expect([older?.index, older?.earlier]).toEqual([1, undefined]);
    expect(await chooseBuild(builds, web, wasEncoded, 2)).toBeUndefined();
  });
});
