/** An image source whose images are in memory: for tests of what comes behind sources. */
import { expectedImage } from '../fixtures/expected-image.ts';
import type { FixtureImage } from '../fixtures/sample-images.ts';
import type { ImageSource } from '../../src/image/image-source.ts';

/** Offers `images`, all of them whatever is asked for; layers come in chunks of an odd size. */
export function createMemorySource(
  images: readonly FixtureImage[],
): ImageSource & { readLayerCount: number } {
  const source = {
    description: 'images in memory',
    readLayerCount: 0,
    async readImages(...[, sink, options = {}]: Parameters<ImageSource['readImages']>) {
      const found = images.map((image) => ({ fixture: image, image: expectedImage(image) }));
      for (const { fixture, image } of found) {
        for (const [index, diffId] of image.layers.entries()) {
          options.signal?.throwIfAborted();
          if (await sink.hasLayer(diffId)) continue;
          source.readLayerCount += 1;
          await sink.addLayer(inChunks(fixture.layers[index] ?? Buffer.alloc(0)), { expected: diffId });
        }
      }
      return found.map(({ image }) => image);
    },
    close: () => Promise.resolve(),
  };
  return source;
}

async function* inChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += 65_521) {
    yield await Promise.resolve(bytes.subarray(start, start + 65_521));
  }
}
