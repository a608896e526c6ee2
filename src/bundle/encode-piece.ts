/** Makes the block of a piece: encoded, read back, and not stored anywhere yet. */
import { encodeBlock } from '../addon/block-codec.ts';
import { type BlockKey, type BlockRecord, storedSize } from '../plan/layout/block-record.ts';
import type { EncoderSettings } from '../plan/layout/profile.ts';
import { readBack } from '../cache/read-back.ts';
import { digestOf } from '../ground/digest.ts';
import { pieceOf } from '../plan/cut/piece-cutter.ts';
import { contentKey } from '../plan/layout/content-key.ts';
import type { WorkLimit } from '../ground/work-limit.ts';

/** A block that lies in memory. */
export interface EncodedPiece {
  readonly record: BlockRecord;
  /** The whole block with its padding. */
  readonly bytes: Uint8Array;
}

export interface EncodePieceOptions {
  readonly signal?: AbortSignal;
  /** The content's key, where it is known already. */
  readonly key?: BlockKey;
  /** Bounds how many blocks are read back at once, each of them one; as many as there are where left out. */
  readonly readBacks?: WorkLimit;
}

/** The block of `content`, which must not change until then. Throws encode-failed, where a second decoder reads other bytes, too. */
export async function encodePiece(
  content: Uint8Array,
  settings: EncoderSettings,
  { signal, key = contentKey(pieceOf(content)), readBacks }: EncodePieceOptions = {},
): Promise<EncodedPiece> {
  const { bytes, unpaddedSize, crc64 } = await encodeBlock(content, settings, signal ? { signal } : {});
  const check = (): Promise<void> => readBack(content, bytes, unpaddedSize, settings.check);
  await (readBacks === undefined ? check() : (await readBacks.run(1, check)).result);
  const record = { key, unpaddedSize, uncompressedSize: content.length, digest: digestOf(bytes), crc64 };
  if (storedSize(record) !== bytes.length) throw new RangeError('A block must have the size its record says');
  return { record, bytes };
}
