/** Holds the bytes of a piece that is not complete yet, as parts of the chunks they came in. */
import type { Piece } from './piece-cutter.ts';

/** Copies nothing: the chunks must not change. */
export class PieceBuffer {
  #parts: Uint8Array[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds bytes at the end. */
  take(part: Uint8Array): void {
    if (part.length === 0) return;
    const last = this.#parts.at(-1);
    // Many small parts of one chunk are one part: a tar has a header every few KiB.
    if (last?.buffer === part.buffer && last.byteOffset + last.length === part.byteOffset) {
      this.#parts.pop();
      this.#parts.push(new Uint8Array(last.buffer, last.byteOffset, last.length + part.length));
    } else {
      this.#parts.push(part);
    }
    this.#size += part.length;
  }

  /** Gives up the first `size` bytes as a piece; no piece for none. Throws RangeError beyond the end. */
  cut(size = this.#size): Piece[] {
    if (size > this.#size) throw new RangeError(`A piece of ${size} bytes: there are ${this.#size}`);
    if (size === 0) return [];
    const parts: Uint8Array[] = [];
    const kept: Uint8Array[] = [];
    let missing = size;
    for (const part of this.#parts) {
      if (missing > 0) parts.push(part.subarray(0, missing));
      if (part.length > missing) kept.push(part.subarray(missing));
      missing = Math.max(0, missing - part.length);
    }
    this.#parts = kept;
    this.#size -= size;
    return [{ size, parts }];
  }
}
