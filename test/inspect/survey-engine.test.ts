/** Plans for images of a real engine: nothing is exported for them, and steps and sizes of layers come from its history. */
import { expect, it, onTestFinished } from 'vitest';
import { openCache } from '../../src/cache/cache.ts';
import { prepareBundle } from '../../src/bundle/prepare-bundle.ts';
import { surveyBuild } from '../../src/inspect/cost/survey-build.ts';
import { parseReference } from '../../src/image/reference.ts';
import { openEngineSource } from '../../src/place/engine/engine-source.ts';
import { chooseSteps } from '../../src/place/engine/layer-history.ts';
import { join } from 'node:path';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { startEngine } from '../support/throwaway-engine.ts';

it('surveyBuild asks an engine for steps and sizes, and exports only when a bundle is made', async () => {
  const folder = await makeTempFolder();
  const engine = await startEngine();
  onTestFinished(() => engine[Symbol.asyncDispose]());
  await writeLegacyArchive(join(folder, 'images.tar'), await buildSampleImages());
  await engine.docker('load', '-q', '-i', join(folder, 'images.tar'));
  const source = await openEngineSource({ host: engine.host });
  onTestFinished(() => source.close());
  const cache = await openCache(join(folder, 'cache'));
  const profile = { preset: 0, extreme: false, check: 'crc64' } as const;
  const options = { source, references: [parseReference('tiny/web:1.0')], cache, profile };
  const reads: number[] = [];
  const onRead = (done: number): void => void reads.push(done);
  const before = await surveyBuild({ ...options, onRead });
  expect(reads).toEqual([]);
  expect(before.layers.map(({ layer }) => layer.createdBy).sort()).toEqual(
    [0, 1, 2, 3].map((index) => `layer ${index} of web`),
  );
  const exact = await surveyBuild({ ...options, exact: true });
  expect(reads).toEqual([]);
  expect(exact.encode.isExact).toBe(true);
  // The history has files' sizes, a tar has headers and padding too.
  expect(before.encode.size).toBeGreaterThan(exact.encode.size / 2);
  expect(before.encode.size).toBeLessThanOrEqual(exact.encode.size);
  await using bundle = await prepareBundle(options);
  const layerSize = bundle.statistics.encodedUncompressedSize;
  expect(exact.encode.size).toBeLessThanOrEqual(layerSize);
  expect(exact.encode.size).toBeGreaterThan(layerSize - 64 * 1024); // all that is missing are the bundle's own headers
  const after = await surveyBuild(options);
  expect(after).toMatchObject({ layers: [], read: { size: 0, isExact: true }, encode: { size: 0 } });
}, 120_000);

it('chooseSteps takes steps with a size, then those that may have made a layer without files', () => {
  const step = (createdBy: string, size = 0): { createdBy: string; size: number } => ({ createdBy, size });
  const steps = [
    step('ADD file in /', 5),
    step('ENV A=1'),
    step('WORKDIR /app'),
    step('COPY dir in /app', 3),
    step('CMD x'),
  ];
  const names = (count: number): string[] | undefined =>
    chooseSteps(steps, count)?.map((one) => one.createdBy);
  expect(names(2)).toEqual(['ADD file in /', 'COPY dir in /app']);
  expect(names(3)).toEqual(['ADD file in /', 'WORKDIR /app', 'COPY dir in /app']);
  expect(names(1)).toBeUndefined();
  expect(names(6)).toBeUndefined();
});
