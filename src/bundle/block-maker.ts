/** Makes blocks of pieces: finds a piece that is known, encodes, reads back and stores one that is not. */
import { availableParallelism } from 'node:os';
import type { BlockKey, BlockRecord } from '../plan/layout/block-record.ts';
import type { BlockStore } from '../cache/block-store.ts';
import type { EncoderSettings } from '../plan/layout/profile.ts';
import { joinPiece, type Piece, pieceOf } from '../plan/cut/piece-cutter.ts';
import { type BuildMeter, createBuildMeter } from './build-meter.ts';
import { contentKey } from '../plan/layout/content-key.ts';
import { encodePiece } from './encode-piece.ts';
import { createWorkLimit } from '../ground/work-limit.ts';

/** A block is read back some ten times as fast as it was encoded, and takes twice its content in memory meanwhile. */
const encodersPerReadBack = 8;

export interface BlockMaker {
  /** The record of the block of `piece`, which is stored when this returns. `piece` must not change until then. */
  makeBlock(piece: Piece): Promise<BlockRecord>;
  /** Waits until nothing is under way any more, whatever became of it. */
  settle(): Promise<void>;
}

export interface BlockMakerOptions {
  readonly signal?: AbortSignal;
  /** Called when a piece has become a block: its uncompressed size, and whether it had to be encoded. */
  readonly onBlock?: (uncompressedSize: number, wasEncoded: boolean) => void;
  /** Measures encoding and gathers what was encoded. */
  readonly meter?: BuildMeter;
}

/** A piece that can be let go of, so that its parts are not kept in memory beside the content made of them. */
interface HeldPiece {
  piece: Piece;
}
const noBytes = new Uint8Array(0);

/** A maker that fills `store`. Equal pieces that are given while the first is under way are encoded once. */
export function createBlockMaker(
  store: BlockStore,
  settings: EncoderSettings,
  options: BlockMakerOptions = {},
): BlockMaker {
  const { meter = createBuildMeter() } = options;
  const readBacks = createWorkLimit(Math.ceil(availableParallelism() / encodersPerReadBack));
  const made = new Map<BlockKey, Promise<BlockRecord>>();
  const encode = async (key: BlockKey, held: HeldPiece): Promise<BlockRecord> => {
    const { signal } = options;
    const content = joinPiece(held.piece);
    held.piece = pieceOf(noBytes);
    const { record, bytes } = await encodePiece(content, settings, {
      key,
      readBacks,
      signal,
    });
    await store.putBlock(record, bytes);
    return record;
  };
  const make = async (key: BlockKey, held: HeldPiece): Promise<BlockRecord> => {
    const found = await store.findBlock(key);
    // A block of another size is not of this content, whatever its name.
    const known = found?.uncompressedSize === held.piece.size ? found : undefined;
    const record = known ?? (await meter.encoding.time(() => encode(key, held)));
    if (known === undefined) meter.encoded.add(key);
    options.onBlock?.(record.uncompressedSize, known === undefined);
    return record;
  };
  return {
    makeBlock(piece) {
      const key = contentKey(piece);
      let block = made.get(key);
      if (block === undefined) {
        block = make(key, { piece });
        made.set(key, block);
      } else {
        options.onBlock?.(piece.size, false);
      }
      return block;
    },
    async settle() {
      await Promise.allSettled(made.values());
    },
  };
}
