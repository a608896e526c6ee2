/** Makes frames of blocks' content: finds one that is known, encodes, reads back and stores one that is not. */
import { availableParallelism } from 'node:os';
import type { BlockKey, BlockRecord } from '../../plan/layout/block-record.ts';
import type { BlockStore } from '../../cache/block-store.ts';
import { createWorkLimit } from '../../ground/work-limit.ts';
import type { ZstProfile } from './zst-profile.ts';
import { decodeFrame, encodeFrame } from '../../addon/frame-codec.ts';
import { digestOf } from '../../ground/digest.ts';
import { BundleError } from '../../ground/errors.ts';

/** Besides those that are encoded some are decoded, read back and written: so many blocks' content is in memory. */
const framesPerCore = 2;

export interface FrameMakerOptions {
  readonly signal: AbortSignal;
  /** Called when a frame is stored: the size of its content, and whether it had to be encoded. */
  readonly onFrame?: (contentSize: number, wasEncoded: boolean) => void;
}

export interface MadeFrames {
  /** By key. */
  readonly records: ReadonlyMap<BlockKey, BlockRecord>;
  /** Those that were encoded. */
  readonly encoded: ReadonlySet<BlockKey>;
}

/**
 * A frame in `store` for the content of each of `blocks`, which `readContent` gives where it has to be encoded. When this
 * settles, whichever way, nothing is under way any more.
 */
export async function makeFrames(
  blocks: readonly BlockRecord[],
  readContent: (key: BlockKey) => Promise<Uint8Array>,
  store: BlockStore,
  profile: ZstProfile,
  { signal, onFrame }: FrameMakerOptions,
): Promise<MadeFrames> {
  const stopping = new AbortController();
  const either = AbortSignal.any([signal, stopping.signal]);
  const limit = createWorkLimit(availableParallelism() * framesPerCore);
  const records = new Map<BlockKey, BlockRecord>();
  const encoded = new Set<BlockKey>();
  const make = async ({ key, uncompressedSize }: BlockRecord): Promise<void> => {
    either.throwIfAborted();
    const found = await store.findBlock(key);
    const isKnown = found?.uncompressedSize === uncompressedSize;
    const record = isKnown ? found : await encode(key);
    if (!isKnown) encoded.add(key);
    records.set(key, record);
    onFrame?.(uncompressedSize, !isKnown);
  };
  const encode = async (key: BlockKey): Promise<BlockRecord> => {
    const { record, bytes } = await encodeContent(key, await readContent(key), profile, { signal: either });
    await store.putBlock(record, bytes);
    return record;
  };
  const unique = new Map(blocks.map((block) => [block.key, block]));
  const underWay = [...unique.values()].map(async (block) => {
    try {
      await (
        await limit.run(1, () => make(block))
      ).result;
    } catch (error) {
      stopping.abort(error);
      throw error;
    }
  });
  await Promise.allSettled(underWay);
  await Promise.all(underWay);
  return { records, encoded };
}

/** A frame that lies in memory. */
export interface EncodedContent {
  readonly record: BlockRecord;
  readonly bytes: Uint8Array;
}

/**
 * The frame of `content`, whose key is `key` and which must not change until then. Throws encode-failed, where the decoder
 * reads other bytes, too.
 */
export async function encodeContent(
  key: BlockKey,
  content: Uint8Array,
  { level }: ZstProfile,
  options: { readonly signal?: AbortSignal } = {},
): Promise<EncodedContent> {
  const { bytes, crc64 } = await encodeFrame(content, level, options);
  await readFrameBack(content, bytes);
  const record = {
    ...{ key, unpaddedSize: bytes.length, uncompressedSize: content.length },
    ...{ digest: digestOf(bytes), crc64 },
  };
  return { record, bytes };
}

/** Decodes `frame` and compares it with `content`; throws encode-failed where they differ in one byte. */
export async function readFrameBack(content: Uint8Array, frame: Uint8Array): Promise<void> {
  let decoded: Uint8Array;
  try {
    decoded = await decodeFrame(frame, content.length);
  } catch (error) {
    throw new BundleError('encode-failed', 'Cannot keep a new frame: it cannot be read back', {
      cause: error,
    });
  }
  if (Buffer.compare(decoded, content) !== 0) {
    throw new BundleError(
      'encode-failed',
      'Cannot keep a new frame: other bytes are read back than were encoded',
    );
  }
}
