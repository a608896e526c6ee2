import { beforeAll, describe, expect, it } from 'vitest';
import type { Image } from '../../src/image/image.ts';
import { parseReference } from '../../src/image/reference.ts';
import { expectedImage } from '../fixtures/expected-image.ts';
import {
  buildBareImage,
  buildOddImages,
  buildSampleImages,
  type FixtureImage,
} from '../fixtures/sample-images.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { offers } from './offer-images.ts';
import { createRecordingSink } from './recording-sink.ts';

let fixtures: readonly FixtureImage[];

beforeAll(async () => {
  fixtures = [...(await buildSampleImages()), ...(await buildOddImages()), buildBareImage()];
});

function sorted(images: readonly Image[]): Image[] {
  return [...images].sort((a, b) => (a.configDigest < b.configDigest ? -1 : 1));
}

/** Compares the config by content, whatever kind of array it is in. */
function plain(images: readonly Image[]): unknown[] {
  return sorted(images).map((image) => ({ ...image, config: Buffer.from(image.config).toString() }));
}

describe.each(offers)('$title', ({ open, isRandomAccess }) => {
  it('gives the same images and the same layer bytes as every other form', async () => {
    const sink = createRecordingSink();
    await using source = asDisposable(await open(fixtures, await makeTempFolder()));
    const images = await source.readImages([], sink);
    expect(plain(images)).toEqual(plain(fixtures.map(expectedImage)));
    for (const fixture of fixtures) {
      for (const [index, diffId] of expectedImage(fixture).layers.entries()) {
        expect(sink.layers.get(diffId)?.equals(fixture.layers[index] ?? Buffer.alloc(0))).toBe(true);
      }
    }
  });

  it('gives named images once, with the names that were asked for and no others', async () => {
    const [web, worker] = fixtures;
    if (web === undefined || worker === undefined) throw new TypeError('Fixtures are missing');
    await using source = asDisposable(await open(fixtures, await makeTempFolder()));
    const references = ['tiny/web:latest', 'tiny/worker:1.0', 'docker.io/tiny/web'].map(parseReference);
    const images = await source.readImages(references, createRecordingSink());
    expect(plain(images)).toEqual(
      plain([
        { ...expectedImage(web), tags: ['docker.io/tiny/web:latest'] },
        { ...expectedImage(worker), tags: ['docker.io/tiny/worker:1.0'] },
      ]),
    );
  });

  it('gives the images whose names match a pattern, with the names that do', async () => {
    const [web, worker] = fixtures;
    if (web === undefined || worker === undefined) throw new TypeError('Fixtures are missing');
    await using source = asDisposable(await open(fixtures, await makeTempFolder()));
    const images = await source.readImages([parseReference('tiny/w*:1.?')], createRecordingSink());
    expect(plain(images)).toEqual(
      plain([
        { ...expectedImage(web), tags: ['docker.io/tiny/web:1.0'] },
        { ...expectedImage(worker), tags: ['docker.io/tiny/worker:1.0'] },
      ]),
    );
  });

  it('reads layers that are known only where it has to', async () => {
    const known = fixtures.flatMap((fixture) => expectedImage(fixture).layers);
    const sink = createRecordingSink(known);
    await using source = asDisposable(await open(fixtures, await makeTempFolder()));
    await source.readImages([], sink);
    expect(sink.addedCount === 0).toBe(isRandomAccess);
  });

  it('reports how much was read, up to the whole where that is known', async () => {
    const reports: (readonly [number, number | undefined])[] = [];
    await using source = asDisposable(await open(fixtures, await makeTempFolder()));
    await source.readImages([], createRecordingSink(), {
      onRead: (done, total) => reports.push([done, total]),
    });
    const [done, total] = reports.at(-1) ?? [0, undefined];
    expect(done).toBeGreaterThan(0);
    expect(total ?? done).toBe(done);
    expect(reports.every(([earlier], index) => index === 0 || earlier > (reports[index - 1]?.[0] ?? 0))).toBe(
      true,
    );
  });

  it('stops with the reason of the signal', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    await using source = asDisposable(await open(fixtures, await makeTempFolder()));
    const reading = source.readImages([], createRecordingSink(), {
      signal: controller.signal,
      onRead: () => {
        controller.abort(reason);
      },
    });
    await expect(reading).rejects.toBe(reason);
  });
});

function asDisposable<T extends { close(): Promise<void> }>(source: T): T & AsyncDisposable {
  return { ...source, [Symbol.asyncDispose]: () => source.close() };
}
