/** Looks at the first bytes of a stream without losing them. */

export interface PeekedStream {
  /** The first bytes: as many as were asked for, or all there are. */
  readonly start: Uint8Array;
  /** The stream from its first byte on. */
  readonly whole: AsyncIterable<Uint8Array>;
}

/** Reads at least `size` bytes of `source`, fewer where it ends before. */
export async function peekStart(source: AsyncIterable<Uint8Array>, size: number): Promise<PeekedStream> {
  const iterator = source[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  for (let length = 0; length < size;) {
    const next = await iterator.next();
    if (next.done === true) break;
    chunks.push(next.value);
    length += next.value.length;
  }
  return { start: Buffer.concat(chunks).subarray(0, size), whole: resume(chunks, iterator) };
}

async function* resume(
  chunks: readonly Uint8Array[],
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* chunks;
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}
