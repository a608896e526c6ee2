/** Decodes a .xz file of known content into one buffer, and tells how far it has come. */
import { loadAddon } from './load-addon.ts';
import { createDecodeError, lzmaDataError, lzmaOk, lzmaStreamEnd } from './lzma-error.ts';

export interface DecodeXzIntoOptions {
  /** Told after each step that the first `filledSize` bytes are there. Their check follows their block's content. */
  readonly onFilled?: (filledSize: number) => void;
}

/** Content of one step: what is about to be answered waits no longer than that. */
const stepSize = 256 * 1024;

/** Above this, decoding fails. `xz -9` takes 65 MiB. */
const largestMemory = 2 * 1024 * 1024 * 1024;

/**
 * Fills `target` with the content of the .xz file that `parts` are, which must be as long. Every check is verified.
 * The work is done on libuv's pool, in steps, between which others have their turn. Neither `parts` nor `target` may
 * change meanwhile. Throws xz-corrupt, xz-truncated or xz-unsupported.
 */
export async function decodeXzInto(
  parts: readonly Uint8Array[],
  target: Uint8Array,
  { onFilled }: DecodeXzIntoOptions = {},
): Promise<void> {
  const { StreamDecoder } = loadAddon();
  // Where memory allows no threads of its own, liblzma decodes in the thread that asks, straight to where it is wanted.
  const decoder = new StreamDecoder(1, 1, largestMemory);
  const beyond = new Uint8Array(1); // there the end is read when `target` is full
  let filledSize = 0;
  let status = lzmaOk;
  try {
    for (const [index, part] of [...parts, new Uint8Array()].entries()) {
      const isLast = index === parts.length;
      for (let rest = part; status === lzmaOk && (isLast || rest.length > 0);) {
        const isFull = filledSize === target.length;
        const room = isFull ? beyond : target.subarray(filledSize, filledSize + stepSize);
        const [next, consumed, produced] = await decoder.step(rest, isLast, room);
        status = isFull && produced > 0 ? lzmaDataError : next;
        rest = rest.subarray(consumed);
        if (isFull || produced === 0) continue;
        filledSize += produced;
        onFilled?.(filledSize);
      }
    }
  } finally {
    decoder.close();
  }
  if (status !== lzmaStreamEnd) throw createDecodeError('an xz block', status);
  if (filledSize < target.length) throw createDecodeError('an xz block', lzmaDataError);
}
