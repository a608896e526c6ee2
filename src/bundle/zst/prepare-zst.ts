/** A bundle as a `.tar.zst`: has the frames made that are missing, lays them out, checks every one. */
import { decodeBlock } from '../../addon/block-codec.ts';
import type { BlockKey, BlockRecord } from '../../plan/layout/block-record.ts';
import type { Cache } from '../../cache/cache.ts';
import { findBadBlocks } from '../../file/find-bad-blocks.ts';
import type { Bundle } from '../open-bundle.ts';
import { BundleError, isBundleError } from '../../ground/errors.ts';
import { readFully } from '../../file/read-chunks.ts';
import type { StoredFile } from '../../file/stored-file.ts';
import type { Extent } from '../../plan/layout/extent.ts';
import { makeFrames } from './frame-maker.ts';
import { type FrameStatistics, measureFrames } from '../measure-bundle.ts';
import { layOutZst } from '../../plan/layout/zst-layout.ts';
import { completeZstProfile, zstProfileName } from './zst-profile.ts';

export interface ZstProgress {
  /** Bytes of content whose frames are there, and of those the encoded ones. */
  readonly doneSize: number;
  readonly encodedSize: number;
  /** Bytes of the bundle tar, equal blocks counted once. */
  readonly totalSize: number;
}

export interface PrepareZstOptions {
  readonly level: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: ZstProgress) => void;
}

export interface PreparedZst {
  /** `images.tar.zst`, closed with the bundle. */
  readonly file: StoredFile;
  readonly statistics: FrameStatistics;
}

/**
 * The `.tar.zst` of `bundle`, whose lease protects the frames, too. A frame that was damaged on disk is set aside and made
 * again. Throws encode-failed, cache-*, and block-corrupt or block-missing where a block is not what was stored: it is
 * set aside then, so that the next build makes it again.
 */
export async function prepareZst(
  bundle: Bundle,
  cache: Cache,
  options: PrepareZstOptions,
): Promise<PreparedZst> {
  const profile = completeZstProfile(options.level);
  const store = await cache.openFrames(zstProfileName(profile));
  const { blocks } = bundle.assembled;
  const encoded = new Set<BlockKey>();
  for (let isFirst = true; ; isFirst = false) {
    const made = await makeFrames(blocks, createReader(bundle, cache), store, profile, {
      signal: options.signal,
      ...showFrames(blocks, options.onProgress),
    });
    for (const key of made.encoded) encoded.add(key);
    const frames = blocks.map(({ key }) => getFrame(made.records.get(key)));
    const layout = layOutZst(frames);
    const file = bundle.openLayout(layout, store);
    const bad = await findBadBlocks(file, layout, options.signal);
    if (bad.size === 0) store.noteRight(frames);
    await cache.save();
    if (bad.size === 0) return { file, statistics: measureFrames(frames, encoded, layout.size) };
    for (const path of bad) await cache.setAside(path);
    if (!isFirst) throw damagedAgain([...bad]);
  }
}

/** Reads blocks through the bundle, which checks what is stored, and decodes them, which checks the content. */
function createReader({ xz, assembled }: Bundle, cache: Cache): (key: BlockKey) => Promise<Uint8Array> {
  const extents = new Map<BlockKey, Extent & { readonly kind: 'block' }>();
  for (const extent of assembled.layout.extents) {
    if (extent.kind === 'block') extents.set(extent.record.key, extent);
  }
  return async (key) => {
    const extent = extents.get(key);
    if (extent === undefined) throw new RangeError(`The bundle has no block ${key}`);
    const stored = Buffer.allocUnsafeSlow(extent.length);
    try {
      await readFully(xz, stored, extent.start);
    } catch (error) {
      if (!isBundleError(error, 'block-corrupt') || error.path === undefined) throw error;
      await cache.setAside(error.path);
      throw new BundleError('block-corrupt', `${error.message}; it has been set aside`, {
        cause: error,
        hint: 'Run the command again: the block is made again from its image.',
        path: error.path,
      });
    }
    return decodeBlock(stored, assembled.check, extent.record.uncompressedSize);
  };
}

function showFrames(
  blocks: readonly BlockRecord[],
  show: ((progress: ZstProgress) => void) | undefined,
): { readonly onFrame?: (size: number, wasEncoded: boolean) => void } {
  if (show === undefined) return {};
  const sizes = new Map(blocks.map(({ key, uncompressedSize }) => [key, uncompressedSize]));
  const totalSize = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  let doneSize = 0;
  let encodedSize = 0;
  return {
    onFrame(size, wasEncoded) {
      doneSize += size;
      if (wasEncoded) encodedSize += size;
      show({ doneSize, encodedSize, totalSize });
    },
  };
}

function getFrame(record: BlockRecord | undefined): BlockRecord {
  if (record === undefined) throw new RangeError('A block has no frame, and nothing was thrown');
  return record;
}

function damagedAgain([path = '']: readonly string[]): BundleError {
  return new BundleError(
    'block-corrupt',
    `Cannot make images.tar.zst: "${path}" is damaged again right after it was made`,
    {
      hint: 'The disk of the cache does not keep what is written to it. Name another folder with --cache.',
      path,
    },
  );
}
