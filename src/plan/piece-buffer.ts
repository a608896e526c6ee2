/** Holds the bytes of a piece that is not complete yet, as parts of the chunks they came in. */

/** Bytes at the front are copied once, when they become a piece; until then their chunks must not change. */
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

  /** The first `size` bytes as a piece, the receiver's to keep; no piece for none. Throws RangeError beyond the end. */
  cut(size = this.#size): Uint8Array[] {
    if (size > this.#size) throw new RangeError(`A piece of ${size} bytes: there are ${this.#size}`);
    if (size === 0) return [];
    const piece = Buffer.allocUnsafeSlow(size);
    for (const part of this.drop(size)) {
      piece.set(part.bytes, part.position);
    }
    return [piece];
  }

  /** Gives up the first `size` bytes, as the parts they are held in with their positions. */
  drop(size = this.#size): { readonly bytes: Uint8Array; readonly position: number }[] {
    const dropped: { bytes: Uint8Array; position: number }[] = [];
    const kept: Uint8Array[] = [];
    let position = 0;
    for (const part of this.#parts) {
      const count = Math.min(part.length, size - position);
      if (count > 0) dropped.push({ bytes: part.subarray(0, count), position });
      if (count < part.length) kept.push(part.subarray(count));
      position += count;
    }
    this.#parts = kept;
    this.#size -= position;
    return dropped;
  }
}
