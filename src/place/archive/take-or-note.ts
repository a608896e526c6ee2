/** Hands a member of a stream to the sink, and goes on behind it where that cannot be read: it need not be an image's layer. */
import { type BundleError, type ErrorCode, isBundleError } from '../../ground/errors.ts';
import type { LayerSink } from '../../image/image-source.ts';
import { takeLayer, type TakeLayerOptions, type TakenLayer } from './layouts/take-layer.ts';

/** What is wrong with compressed data. */
const faultsOfContent: readonly ErrorCode[] = [
  ...(['archive-corrupt', 'archive-truncated', 'archive-unsupported'] as const),
  ...(['xz-corrupt', 'xz-truncated', 'xz-unsupported'] as const),
];

/** Reads `stored` to its end. The error is that of its content, for whoever needs it; throws what `stored` and the sink throw. */
export async function takeOrNote(
  stored: AsyncIterable<Uint8Array>,
  sink: LayerSink,
  options: TakeLayerOptions,
): Promise<TakenLayer | { readonly error: BundleError }> {
  const iterator = stored[Symbol.asyncIterator]();
  /** Whether the last chunk that was asked for could be read. */
  let last: Promise<boolean> = Promise.resolve(true);
  const next = (): Promise<IteratorResult<Uint8Array>> => {
    const chunk = iterator.next();
    last = chunk.then(
      () => true,
      () => false,
    );
    return chunk;
  };
  try {
    // Without `return`, so that what a decoder leaves can be read.
    return await takeLayer({ [Symbol.asyncIterator]: () => ({ next }) }, sink, options);
  } catch (error) {
    const isReadable = await last; // a decoder may have asked for more than it used
    if (!isReadable || !isBundleError(error, ...faultsOfContent)) throw error;
    while ((await iterator.next()).done !== true);
    return { error };
  }
}
