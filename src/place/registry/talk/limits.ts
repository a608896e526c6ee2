/** What a registry may send: far above all honest use. docs/registries.md lists it, and a test compares the two. */

const mebi = 1024 * 1024;

export const registryLimits = {
  /** Bytes of a manifest or an index (distribution-spec, "Pushing Manifests"). */
  manifestSize: 4 * mebi,
  /** Bytes of an image's config; never more than its descriptor says. */
  configSize: 16 * mebi,
  /** Bytes of a page of a list. */
  pageSize: 16 * mebi,
  /** Bytes of a token server's answer. */
  tokenAnswerSize: mebi,
  /** Bytes that are read of a refusal, or of an answer that nobody wants. */
  refusalSize: 64 * 1024,
  /** Pages of one list. */
  pageCount: 10_000,
  /** Pages in a row with nothing new in them. */
  idlePageCount: 100,
  /** Names in one list. */
  nameCount: 1_000_000,
  /** Redirections of one request. */
  redirectCount: 5,
  /** Indexes on the way to a manifest. */
  indexDepth: 8,
  /** How long nothing may be heard. */
  silenceMs: 60_000,
  /** Bytes that must come, or be taken, within silenceMs of waiting: 1 KiB a second. */
  leastSize: 60 * 1024,
  /** How long all of an answer may take that is held in memory. */
  smallAnswerMs: 300_000,
} as const;
