/** The layers of a build, for making others of them: listed, and read at random access from the cache's blocks. */
import type { Workshop } from '../bundle/prepare-bundle.ts';
import type { DiffId } from '../ground/digest.ts';
import { BundleError } from '../ground/errors.ts';
import { createLayerLibrary, type LayerLibrary, type LeftOut } from '../inspect/contents/layer-library.ts';
import { openStoredLayers } from '../file/stored-layers.ts';
import { readChunks } from '../file/read-chunks.ts';
import type { ReadableLayer } from './write-layer.ts';

export interface OpenLayers extends AsyncDisposable {
  readonly library: LayerLibrary;
  /** Throws layer-missing. */
  readonly open: (diffId: DiffId) => Promise<ReadableLayer>;
  /** Bytes of a layer's tar. Throws layer-missing. */
  readonly sizeOf: (diffId: DiffId) => Promise<number>;
}

/** The layers that `workshop` has stored by now. */
export async function openLayers({ cache, profile, signal }: Workshop): Promise<OpenLayers> {
  const stored = await openStoredLayers(cache, profile);
  const opened = new Map<DiffId, ReturnType<typeof stored.findLayer>>();
  const find: typeof stored.findLayer = (diffId) => {
    const found = opened.get(diffId) ?? stored.findLayer(diffId);
    opened.set(diffId, found);
    return found;
  };
  const cannotRead = (diffId: DiffId): BundleError =>
    new BundleError('layer-missing', `Cannot read layer ${diffId}: its blocks are not in the cache`, {
      hint: 'Run the command again.',
    });
  return {
    library: createLayerLibrary(find, { signal, onLeftOut: refuse }),
    async open(diffId) {
      const found = await find(diffId);
      if (found?.kind !== 'random') throw cannotRead(diffId);
      const { file } = found;
      return { size: file.size, stream: (start, end) => readChunks(file, { start, end, signal }) };
    },
    async sizeOf(diffId) {
      const record = await stored.findRecord(diffId);
      if (record === undefined) throw cannotRead(diffId);
      return record.size;
    },
    [Symbol.asyncDispose]: () => stored[Symbol.asyncDispose](),
  };
}

/** What is left out here would be missing in the image that is made. */
function refuse({ layer, what }: LeftOut): never {
  throw new BundleError(
    'archive-unsupported',
    `Cannot make an image of layer ${layer}: it has ${what}, and nothing says what engines would make of it`,
    { hint: 'Engines refuse most of such layers. Build the image anew, with another tool if need be.' },
  );
}
