/** Makes blocks of pieces: finds a piece that is known, encodes, reads back and stores one that is not. */
import { createHash } from 'node:crypto';
import { encodeBlock } from '../addon/block-codec.ts';
import type { BlockKey, BlockRecord } from '../blocks/block-record.ts';
import type { BlockStore } from '../blocks/block-store.ts';
import type { EncoderSettings } from '../blocks/profile.ts';
import { readBack } from '../blocks/read-back.ts';
import { digestOf } from '../digest.ts';
import { type BuildMeter, createBuildMeter } from './build-meter.ts';

export interface BlockMaker {
  /** The record of the block of `piece`, which is stored when this returns. `piece` must not change until then. */
  makeBlock(piece: Uint8Array): Promise<BlockRecord>;
}

export interface BlockMakerOptions {
  readonly signal?: AbortSignal;
  /** Called when a piece has become a block: its uncompressed size, and whether it had to be encoded. */
  readonly onBlock?: (uncompressedSize: number, wasEncoded: boolean) => void;
  /** Measures encoding and gathers what was encoded. */
  readonly meter?: BuildMeter;
}

/** A maker that fills `store`. Equal pieces that are given while the first is under way are encoded once. */
export function createBlockMaker(
  store: BlockStore,
  settings: EncoderSettings,
  options: BlockMakerOptions = {},
): BlockMaker {
  const { meter = createBuildMeter() } = options;
  const made = new Map<BlockKey, Promise<BlockRecord>>();
  const make = async (key: BlockKey, piece: Uint8Array): Promise<BlockRecord> => {
    const known = await store.findBlock(key);
    const record =
      known ?? (await meter.encoding.time(() => encodeInto(store, key, piece, settings, options.signal)));
    if (known === undefined) meter.encoded.add(key);
    options.onBlock?.(piece.length, known === undefined);
    return record;
  };
  return {
    makeBlock(piece) {
      const key = contentKey(piece);
      let block = made.get(key);
      if (block === undefined) {
        block = make(key, piece);
        made.set(key, block);
      } else {
        options.onBlock?.(piece.length, false);
      }
      return block;
    },
  };
}

/** The key under which a block of this content is stored. */
export function contentKey(content: Uint8Array): BlockKey {
  return createHash('sha256').update(content).digest('hex') as BlockKey;
}

async function encodeInto(
  store: BlockStore,
  key: BlockKey,
  piece: Uint8Array,
  settings: EncoderSettings,
  signal: AbortSignal | undefined,
): Promise<BlockRecord> {
  const { bytes, unpaddedSize, crc64 } = await encodeBlock(piece, settings, signal ? { signal } : {});
  await readBack(piece, bytes, unpaddedSize, settings.check);
  const record = { key, unpaddedSize, uncompressedSize: piece.length, digest: digestOf(bytes), crc64 };
  await store.putBlock(record, bytes);
  return record;
}
