/** The narrow waist: what every way of making a bundle gives, and every way of handing one out takes. */

export interface VirtualFile {
  /** Bytes, known before anything is read. A safe integer. */
  readonly size: number;
  /**
   * Fills `target` from `position` on, and returns how many bytes it wrote: fewer than asked only at the end of the
   * file, 0 at or beyond it. Never gives wrong bytes: throws block-missing or block-corrupt instead.
   */
  read(target: Uint8Array, position: number): Promise<number>;
  /** The bytes from `start` (0) up to `end` (the size), front to back. Each chunk is the receiver's to keep. */
  stream(options?: StreamOptions): AsyncIterable<Uint8Array>;
  /** Gives back file handles. Reads after it are a programmer's mistake. */
  close(): Promise<void>;
}

export interface StreamOptions {
  readonly start?: number;
  readonly end?: number;
  readonly signal?: AbortSignal | undefined;
}
