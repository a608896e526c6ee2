/** Checks every stored block of a cache against its record. */
import { findRecordInTrailer, trailerSize } from '../blocks/block-file.ts';
import { blockForm, frameForm, type StoredForm } from '../blocks/block-record.ts';
import type { Cache } from '../blocks/cache.ts';
import { withCacheErrors } from '../blocks/cache-error.ts';
import { type Digest, digestOf } from '../digest.ts';
import { readOwnFile } from '../disk/own-files.ts';
import { findErrno } from '../errors.ts';
import { mapWithLimit } from './map-with-limit.ts';
import type { BlockId, StoredBlock } from './survey-cache.ts';
import { surveyCache } from './survey-cache.ts';

const blocksAtOnce = 4;

export interface CacheVerification {
  readonly blockCount: number;
  readonly frameCount: number;
  /** Bytes that were read. */
  readonly size: number;
  readonly damaged: readonly DamagedBlock[];
}

export interface DamagedBlock {
  readonly path: string;
  readonly problem: string;
}

export interface VerifyCacheOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Reads every block and frame, hashes it and compares it with the record at its own end, blocks also with those in layer
 * records. What is gone meanwhile was collected. Throws cache-* where a file cannot be read at all.
 */
export async function verifyCache(
  cache: Cache,
  { signal, onProgress }: VerifyCacheOptions = {},
): Promise<CacheVerification> {
  const survey = await surveyCache(cache, Date.now());
  const digests = new Map<BlockId, Digest>();
  for (const { record, profile } of survey.layers) {
    const encoder = profile.split('-').slice(0, 3).join('-');
    for (const { key, digest } of record.blocks) digests.set(`${encoder}/${key}`, digest);
  }
  const frames = [...survey.frames.values()];
  const stored = [...survey.blocks.values(), ...frames];
  const isFrame = new Set(frames);
  const total = stored.reduce((sum, { size }) => sum + size, 0);
  const damaged: DamagedBlock[] = [];
  let done = 0;
  await mapWithLimit(stored, blocksAtOnce, async (block) => {
    signal?.throwIfAborted();
    const form = isFrame.has(block) ? frameForm : blockForm;
    const problem = await findProblem(block, form, digests.get(block.id));
    if (problem !== undefined) damaged.push({ path: block.path, problem });
    done += block.size;
    onProgress?.(done, total);
  });
  return { blockCount: survey.blocks.size, frameCount: frames.length, size: total, damaged };
}

async function findProblem(
  { path, key }: StoredBlock,
  form: StoredForm,
  wanted: Digest | undefined,
): Promise<string | undefined> {
  const bytes = await withCacheErrors('read', path, () =>
    readOwnFile(path).catch((error: unknown) => {
      if (findErrno(error) === 'EIO') return Buffer.alloc(0); // a bad sector is damage, not a reason to stop
      throw error;
    }),
  );
  if (bytes === undefined) return undefined;
  const trailer = bytes.subarray(Math.max(0, bytes.length - trailerSize));
  const record = /^[0-9a-f]{64}$/.test(key)
    ? findRecordInTrailer(key, trailer, bytes.length, form)
    : undefined;
  if (record === undefined) return 'it does not end in its record';
  if (digestOf(bytes.subarray(0, bytes.length - trailerSize)) !== record.digest) {
    return 'its bytes are not the ones that were stored';
  }
  return wanted === undefined || wanted === record.digest
    ? undefined
    : 'it is whole, but not the block that layers name';
}
