import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeImage } from '../../sample/make-image.mjs';
import { openCache } from '../../src/cache/cache.ts';
import { createBlockMaker } from '../../src/bundle/block-maker.ts';
import { completeProfile, prepareBundle } from '../../src/bundle/prepare-bundle.ts';
import type { DiffId } from '../../src/ground/digest.ts';
import { parseReference } from '../../src/image/reference.ts';
import { pieceOf } from '../../src/plan/cut/piece-cutter.ts';
import { createArchiveSource } from '../../src/place/archive/archive-source.ts';
import { wishPlatform } from '../../src/place/platform-wish.ts';
import { packCases } from '../fixtures/loadable-cases.ts';
import { packMembers } from '../fixtures/pack-members.ts';
import { createMemorySource } from '../support/memory-source.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

const profile = { preset: 0, extreme: false, check: 'crc64' } as const;
const text = Buffer.from('this was recorded as a layer by a version that did not look');

it('prepareBundle does not believe a record of a layer that is no tar, and puts no such record', async () => {
  const cache = await openCache(join(await makeTempFolder(), 'cache'));
  const own = completeProfile(profile);
  const maker = createBlockMaker(await cache.openBlocks(own), own, {});
  const block = await maker.makeBlock(pieceOf(text));
  const diffId = `sha256:${createHash('sha256').update(text).digest('hex')}` as DiffId;
  const records = await cache.openLayers(own);
  await records.putLayer({ diffId, size: text.length, blocks: [block] });
  const image = makeImage({ name: 'old', tags: ['tiny/old:1'], layers: [text] });
  const source = createMemorySource([image]);
  const references = [parseReference('tiny/old:1')];
  await expect(prepareBundle({ source, references, cache, profile })).rejects.toMatchObject({
    code: 'image-unsupported',
    message: expect.stringContaining('tiny/old:1') as string,
  });
  expect(source.readLayerCount).toBe(1);
});

it('prepareBundle keeps nothing of what is no tar, and refuses it again', async () => {
  const cache = await openCache(join(await makeTempFolder(), 'cache'));
  const image = makeImage({ name: 'text', tags: ['tiny/text:1'], layers: [Buffer.alloc(4096, 0x7f)] });
  const source = createMemorySource([image]);
  for (let turn = 1; turn <= 2; turn += 1) {
    const building = prepareBundle({ source, references: [], cache, profile });
    await expect(building).rejects.toMatchObject({ code: 'image-unsupported' });
    expect(source.readLayerCount).toBe(turn);
  }
  const records = await cache.openLayers(completeProfile(profile));
  expect(await records.findLayer(digestOfLayer(image))).toBe(undefined);
});

it('prepareBundle checks what transforms make, so that they may mend what docker would refuse', async () => {
  const tar = await packMembers([{ name: 'file', content: 'x' }]);
  const long = makeImage({ name: 'long', tags: ['tiny/long:1'], layers: [tar] });
  const config = JSON.parse(Buffer.from(long.config).toString()) as Record<string, unknown>;
  const bad = { ...long, config: Buffer.from(JSON.stringify({ ...config, history: [{}, {}, {}] })) };
  const path = join(await makeTempFolder(), 'a.tar');
  await writeFile(path, await packCases([{ name: 'long', image: bad }]));
  const cache = await openCache(join(await makeTempFolder(), 'cache'));
  const source = createArchiveSource(path, wishPlatform());
  const building = prepareBundle({ source, references: [], cache, profile });
  await expect(building).rejects.toMatchObject({
    code: 'config-corrupt',
    message: expect.stringMatching(/tiny\/long:1.*3 steps/) as string,
  });
  const mended = makeImage({ name: 'long', tags: ['tiny/long:1'], layers: [tar] });
  const rework = (images: readonly { readonly layers: readonly DiffId[] }[]) =>
    Promise.resolve(
      images.map(() => ({
        config: mended.config,
        configDigest: `sha256:${createHash('sha256').update(mended.config).digest('hex')}` as DiffId,
        layers: images[0]?.layers ?? [],
        tags: ['docker.io/tiny/long:1'],
      })),
    );
  await using bundle = await prepareBundle({ source, references: [], cache, profile, rework });
  expect(bundle.images).toHaveLength(1);
});

function digestOfLayer({ layers: [layer] }: { readonly layers: readonly Buffer[] }): DiffId {
  return `sha256:${createHash('sha256')
    .update(layer ?? '')
    .digest('hex')}` as DiffId;
}
