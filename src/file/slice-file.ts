/** A run of a decoded file as a file of its own: a layer within the tar of its bundle. */
import type { DecodedFile } from './decoded-file.ts';

/** The bytes of `whole` from `start` to `end`, which must lie in it. Closing it does nothing: `whole` belongs to others. */
export function sliceFile(whole: DecodedFile, start: number, end: number): DecodedFile {
  if (!(start >= 0 && start <= end && end <= whole.size)) {
    throw new RangeError(`Bytes ${start} to ${end} are not in a file of ${whole.size}`);
  }
  const size = end - start;
  const within = (target: Uint8Array, position: number): Uint8Array =>
    target.subarray(0, Math.max(0, Math.min(target.length, size - position)));
  return {
    size,
    tryRead: (target, position) => whole.tryRead(within(target, position), start + position),
    read: (target, position) => whole.read(within(target, position), start + position),
    stream: ({ start: first = 0, end: last = size, ...options } = {}) =>
      whole.stream({ ...options, start: start + first, end: start + last }),
    close: () => Promise.resolve(),
  };
}
