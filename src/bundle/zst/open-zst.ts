/** A bundle as a `.tar.zst` of frames that are all there, for whoever may encode nothing: a mount. */
import { join } from 'node:path';
import type { BlockRecord } from '../../plan/layout/block-record.ts';
import type { BlockStore } from '../../cache/block-store.ts';
import type { Cache } from '../../cache/cache.ts';
import { profileForm } from '../../cache/cache-names.ts';
import { mapWithLimit } from '../../ground/map-with-limit.ts';
import type { Bundle } from '../open-bundle.ts';
import { listOwnFolders } from '../../disk/own/list-own-files.ts';
import { BundleError } from '../../ground/errors.ts';
import type { StoredFile } from '../../file/stored-file.ts';
import { layOutZst } from '../../plan/layout/zst-layout.ts';
import { completeZstProfile, isProfileOfLevel, zstProfileName } from './zst-profile.ts';

const filesAtOnce = 16;

export interface OpenedZst {
  /** Closed with the bundle. */
  readonly file: StoredFile;
  /** The name of the profile that its frames were made with. */
  readonly profile: string;
}

/**
 * The `.tar.zst` of `bundle` with frames of `level`. A mount may run longer than the libzstd it began with is installed,
 * and what makes frames for it has the new one: so frames of any version do, those of its own first. None is read. Throws
 * block-missing where no version has all.
 */
export async function openZst(bundle: Bundle, cache: Cache, level: number): Promise<OpenedZst> {
  const own = zstProfileName(completeZstProfile(level));
  const others = (await listOwnFolders(join(cache.root, 'frames'), profileForm)).filter((name) =>
    isProfileOfLevel(name, level),
  );
  for (const profile of new Set([own, ...others.reverse()])) {
    const store = await cache.openFrames(profile);
    const frames = await findFrames(bundle.assembled.blocks, store);
    await cache.save();
    if (frames !== undefined) return { file: bundle.openLayout(layOutZst(frames), store), profile };
  }
  throw new BundleError('block-missing', 'Cannot open images.tar.zst: a frame of it is not in the cache', {
    hint: 'Mount it again, and the frames that are missing are made.',
  });
}

async function findFrames(
  blocks: readonly BlockRecord[],
  store: BlockStore,
): Promise<BlockRecord[] | undefined> {
  let missingCount = 0;
  const frames = await mapWithLimit(blocks, filesAtOnce, async ({ key, uncompressedSize }) => {
    const frame = missingCount === 0 ? await store.findBlock(key) : undefined;
    if (frame?.uncompressedSize === uncompressedSize) return frame;
    missingCount += 1;
    return undefined;
  });
  const found = frames.filter((frame) => frame !== undefined);
  return found.length === blocks.length ? found : undefined;
}
