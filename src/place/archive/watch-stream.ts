/** Counts the bytes of the one stream that a source reads, and stops waiting for it when the work is aborted. */
import { BundleError } from '../../ground/errors.ts';

export interface WatchStreamOptions {
  readonly signal?: AbortSignal;
  /** Called with the count of bytes so far. */
  readonly onRead?: (done: number) => void;
}

/**
 * The bytes of `source`, which is a pipe or a socket that may never say another word: neither an abort nor an early end
 * waits for its next chunk. Throws the signal's reason.
 */
export function watchStream(
  source: AsyncIterable<Uint8Array>,
  { signal, onRead }: WatchStreamOptions,
): AsyncIterable<Uint8Array> {
  let done = 0;
  return {
    [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
      const iterator = source[Symbol.asyncIterator]();
      return {
        async next() {
          signal?.throwIfAborted();
          const next = await unlessAborted(iterator.next(), signal);
          if (next.done !== true) onRead?.((done += next.value.length));
          return next;
        },
        return() {
          iterator.return?.().catch(() => undefined);
          return Promise.resolve({ done: true, value: undefined });
        },
      };
    },
  };
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      const reason: unknown = signal.reason;
      reject(reason instanceof Error ? reason : new BundleError('interrupted', 'Stopped while reading'));
    };
    signal.addEventListener('abort', stop, { once: true });
    const settle = (): void => {
      signal.removeEventListener('abort', stop);
    };
    work.then(resolve, reject).finally(settle);
  });
}
