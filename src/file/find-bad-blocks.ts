/** Reads a little of every block of a bundle, so that each is checked whole before any of it is handed out. */
import { isBundleError } from '../ground/errors.ts';
import type { Layout } from '../plan/layout/extent.ts';
import type { StoredFile } from './stored-file.ts';
import { mapWithLimit } from '../ground/map-with-limit.ts';

const checksAtOnce = 4;

/** The files of blocks that are missing or damaged. The first read of a block checks all of it. */
export async function findBadBlocks(
  file: StoredFile,
  layout: Layout,
  signal?: AbortSignal,
): Promise<ReadonlySet<string>> {
  const bad = new Set<string>();
  const starts = layout.extents.filter((extent) => extent.kind === 'block').map((extent) => extent.start);
  await mapWithLimit(starts, checksAtOnce, async (start) => {
    signal?.throwIfAborted();
    try {
      await file.read(new Uint8Array(1), start);
    } catch (error) {
      if (!isBundleError(error, 'block-corrupt', 'block-missing') || error.path === undefined) throw error;
      bad.add(error.path);
    }
  });
  return bad;
}
