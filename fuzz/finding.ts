/** What a case throws where a promise of docs/robustness.md was broken. */

/** The message says which promise, and what was seen instead. */
export class Finding extends Error {
  override readonly name = 'Finding';
}
