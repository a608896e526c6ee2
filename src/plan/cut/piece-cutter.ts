/** What a rule for cutting a layer into pieces must do; cutting-rule.ts says which is in use. */

/** A piece, as the parts it came in: parts of the chunks that were pushed, which must not change while it is in use. */
export interface Piece {
  /** Bytes of all parts. */
  readonly size: number;
  /** In order; none is empty. */
  readonly parts: readonly Uint8Array[];
}

/**
 * Takes one layer's bytes in chunks of any size and gives them back as pieces. The pieces joined are the bytes given,
 * and where they are cut depends on those bytes alone, never on how they were chunked.
 */
export interface PieceCutter {
  /** Gives the next bytes of the layer; returns the pieces that are complete now. Keeps parts of `chunk` in them. */
  push(chunk: Uint8Array): Piece[];
  /** Ends the layer; returns what is left, as at most one piece. */
  end(): Piece[];
}

/**
 * Finds where a piece may end: gives `bytes`, from `start` to `end`, to the gear hash `hash` of `table`, up to the first
 * byte after which the hash has no bit of `mask`. Writes the hash to `hash[0]`, and returns the index after that byte,
 * made negative, or `end`.
 */
export type GearScan = (
  bytes: Uint8Array,
  start: number,
  end: number,
  mask: number,
  hash: Int32Array,
  table: Int32Array,
) => number;

/** The bytes of `piece` in one run of memory: a copy, but where they are most of a chunk, which is then kept alive. */
export function joinPiece({ size, parts }: Piece): Uint8Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1 && 2 * size >= only.buffer.byteLength) return only;
  const joined = Buffer.allocUnsafeSlow(size);
  let position = 0;
  for (const part of parts) {
    joined.set(part, position);
    position += part.length;
  }
  return joined;
}

/** The piece of `bytes`. */
export function pieceOf(bytes: Uint8Array): Piece {
  return { size: bytes.length, parts: bytes.length === 0 ? [] : [bytes] };
}
