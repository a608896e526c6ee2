/** Checks all that a cache holds, whoever wrote it: every block and frame against its name, every layer record against its layer. */
import type { BlockKey } from '../../plan/layout/block-record.ts';
import type { BlockStore } from '../block-store.ts';
import type { Cache } from '../cache.ts';
import { checkLayer } from '../check-layer.ts';
import { parseEncoderName } from '../../plan/layout/profile.ts';
import { findOwnFile } from '../../disk/own/own-files.ts';
import { BundleError, findErrno, isBundleError } from '../../ground/errors.ts';
import { mapWithLimit } from '../../ground/map-with-limit.ts';
import { type StoredBlock, surveyCache } from './survey-cache.ts';

const blocksAtOnce = 4;

export interface CacheVerification {
  readonly blockCount: number;
  readonly frameCount: number;
  readonly layerCount: number;
  /** Bytes that were read of blocks and frames. */
  readonly size: number;
  readonly damaged: readonly DamagedFile[];
}

export interface DamagedFile {
  readonly path: string;
  readonly problem: string;
}

export interface VerifyCacheOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Decodes every block and frame and hashes the content to its name, decodes the blocks of every layer record and hashes
 * them to its layer, and names what is no file of the cache. What is gone meanwhile was collected; a layer of which not all
 * blocks are there cannot be checked, and no build believes its record then. Throws cache-* where a file cannot be read at all.
 */
export async function verifyCache(
  cache: Cache,
  { signal, onProgress }: VerifyCacheOptions = {},
): Promise<CacheVerification> {
  const survey = await surveyCache(cache, Date.now());
  const frames = [...survey.frames.values()];
  const blocks = [...survey.blocks.values()];
  const damaged = new Map<string, string>(survey.strangers.map(({ path, found }) => [path, `it ${found}`]));
  const size = [...blocks, ...frames].reduce((sum, file) => sum + file.size, 0);
  const total = survey.layers.reduce((sum, { record }) => sum + record.size, size);
  let done = 0;
  const check = async (path: string, step: number, work: () => Promise<unknown>): Promise<void> => {
    signal?.throwIfAborted();
    const problem = await findProblem(path, work);
    if (problem !== undefined && !damaged.has(problem.path)) damaged.set(problem.path, problem.text);
    done += step;
    onProgress?.(done, total);
  };
  const stores = new Map<string, Promise<BlockStore | undefined>>();
  const openStore = (encoder: string, isFrame: boolean): Promise<BlockStore | undefined> => {
    const settings = parseEncoderName(encoder);
    const opened =
      stores.get(encoder) ??
      (isFrame ? cache.openFrames(encoder) : Promise.resolve(settings && cache.openBlocks(settings)));
    stores.set(encoder, opened);
    return opened;
  };
  for (const { path, encoder, record } of survey.layers) {
    const store = await openStore(encoder, false);
    if (store !== undefined) await check(path, record.size, () => checkLayer(path, record, store));
  }
  const verifyAll = (files: readonly StoredBlock[], isFrame: boolean): Promise<unknown> =>
    mapWithLimit(files, blocksAtOnce, async ({ path, key, encoder, size: fileSize }) => {
      const store = await openStore(encoder, isFrame);
      await check(path, fileSize, () => checkStored(path, key, store));
    });
  await verifyAll(blocks, false);
  await verifyAll(frames, true);
  await cache.save();
  return {
    blockCount: blocks.length,
    frameCount: frames.length,
    layerCount: survey.layers.length,
    size,
    damaged: [...damaged].map(([path, problem]) => ({ path, problem })),
  };
}

async function checkStored(path: string, key: BlockKey, store: BlockStore | undefined): Promise<void> {
  const fail = (found: string): BundleError =>
    new BundleError('block-corrupt', `Cannot read "${path}": ${found}`, { path });
  if (store === undefined) throw fail('the folder that it lies in is that of no encoder');
  const record = await store.readRecord(key);
  if (record !== undefined) await store.readContent(record);
  else if ((await findOwnFile(path)) !== undefined) throw fail('it does not end in its record');
}

/** What `work` throws of the file at `path`, or another that it names; a bad sector is damage, too, not a reason to stop. */
async function findProblem(
  path: string,
  work: () => Promise<unknown>,
): Promise<{ readonly path: string; readonly text: string } | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    const isDamage = isBundleError(error, 'block-corrupt') || isNoFileOfOurs(error);
    if (!isDamage) throw error;
    const at = error.path ?? path;
    return { path: at, text: error.message.replace(`Cannot read "${at}": `, '') };
  }
}

/** It cannot be read, but others may be: of a bad sector, or what is no file at all. */
function isNoFileOfOurs(error: unknown): error is BundleError {
  return isBundleError(error, 'cache-failed') && ['EIO', 'EFOREIGN'].includes(findErrno(error.cause) ?? '');
}
