/** What a rule for cutting a layer into pieces must do; cutting-rule.ts says which is in use. */

/**
 * Takes one layer's bytes in chunks of any size and gives them back as pieces. The pieces joined are the bytes given,
 * and where they are cut depends on those bytes alone, never on how they were chunked.
 */
export interface PieceCutter {
  /** Gives the next bytes of the layer; returns the pieces that are complete now. May keep `chunk` until end(). */
  push(chunk: Uint8Array): Uint8Array[];
  /** Ends the layer; returns what is left, as at most one piece. */
  end(): Uint8Array[];
}
