/** Fetches the layers that are not at hand, each once, and hands them to the sink. */
import type { Digest, DiffId } from '../../ground/digest.ts';
import { BundleError, isBundleError } from '../../ground/errors.ts';
import { readBlob, type WantedBlob } from './read-blob.ts';
import type { RegistryClient } from './talk/registry-client.ts';
import type { LayerSink, ReadImagesOptions } from '../../image/image-source.ts';
import { takeLayer } from '../archive/layouts/take-layer.ts';

/** A layer, and the blob that it is stored as. */
export interface WantedLayer extends WantedBlob {
  readonly diffId: DiffId;
}

export interface PullLayersOptions extends Pick<ReadImagesOptions, 'onRead'> {
  readonly signal: AbortSignal | undefined;
}

/** Throws layer-*, archive-*, what the client and the sink throw, and the signal's reason. */
export async function pullLayers(
  client: RegistryClient,
  layers: readonly WantedLayer[],
  sink: LayerSink,
  { signal, onRead }: PullLayersOptions,
): Promise<void> {
  const missing = await findMissing(layers, sink);
  for (const { size = 0, digest, diffId, label } of missing) {
    await sink.checkRoom?.(size, { label: `${label} of ${client.host}`, isCompressed: digest !== diffId });
  }
  const isKnown = missing.every(({ size }) => size !== undefined);
  const total = isKnown ? missing.reduce((sum, { size = 0 }) => sum + size, 0) : undefined;
  let doneBefore = 0;
  for (const layer of missing) {
    signal?.throwIfAborted();
    let done = 0;
    const blob = readBlob(client, layer, {
      signal,
      onRead(count) {
        done = count;
        onRead?.(doneBefore + done, total);
      },
    });
    await pullLayer(client, layer, blob, sink, signal);
    doneBefore += done;
  }
}

async function pullLayer(
  { host }: RegistryClient,
  { digest, diffId, label }: WantedLayer,
  blob: AsyncGenerator<Uint8Array, void, undefined>,
  sink: LayerSink,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    const what = `${label} (${digest} at ${host})`;
    await takeLayer(blob, sink, { what, layer: { expected: diffId, label }, signal });
  } catch (error) {
    if (!isBundleError(error, 'archive-corrupt', 'archive-truncated', 'xz-corrupt', 'xz-truncated'))
      throw error;
    // Whether the blob is damaged, or was so when it was pushed, the rest of it tells: reading it throws where it is.
    await readToEnd(blob);
    throw new BundleError(error.code, error.message, {
      cause: error,
      hint: 'The registry has it as it was pushed. Build and push the image again.',
    });
  } finally {
    await blob.return();
  }
}

/** Each layer once that the sink does not have. */
async function findMissing(layers: readonly WantedLayer[], sink: LayerSink): Promise<WantedLayer[]> {
  const missing = new Map<Digest, WantedLayer>();
  const seen = new Set<DiffId>();
  for (const layer of layers) {
    if (seen.has(layer.diffId)) continue;
    seen.add(layer.diffId);
    if (!(await sink.hasLayer(layer.diffId))) missing.set(layer.diffId, layer);
  }
  return [...missing.values()];
}

async function readToEnd(blob: AsyncIterable<Uint8Array>): Promise<void> {
  const iterator = blob[Symbol.asyncIterator]();
  while ((await iterator.next()).done !== true);
}
