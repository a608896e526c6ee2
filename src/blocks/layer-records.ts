/** Layer records: which blocks a layer is made of, for ever true of a diffId and a profile. */
import { join } from 'node:path';
import { type DiffId, type Digest, hexOf } from '../digest.ts';
import type { BlockKey, BlockRecord } from './block-record.ts';
import { findCheckedJson, writeCheckedJson } from './checked-json.ts';

export interface LayerRecord {
  readonly diffId: DiffId;
  /** Bytes of the layer's tar: the sum of its blocks' uncompressed sizes. */
  readonly size: number;
  /** In the layer's order. A block that occurs twice stands here twice. */
  readonly blocks: readonly BlockRecord[];
}

export interface LayerRecords {
  findLayer(diffId: DiffId): Promise<LayerRecord | undefined>;
  /** Every block must be stored before its layer's record is. */
  putLayer(record: LayerRecord): Promise<void>;
}

/** A block: [key, unpadded size, uncompressed size, hex of the stored bytes' sha256, their CRC64]. */
type Row = readonly [string, number, number, string, string];

/** The records of one profile in `folder`, which must exist; `partials` is where they are written first. */
export function openLayerRecords(folder: string, partials: string): LayerRecords {
  const recordPath = (diffId: DiffId): string => join(folder, `${hexOf(diffId)}.json`);
  return {
    async findLayer(diffId) {
      const rows = findRows(await findCheckedJson(recordPath(diffId)), diffId);
      const blocks = rows?.map(([key, unpaddedSize, uncompressedSize, hex, crc64]): BlockRecord => ({
        key: key as BlockKey,
        unpaddedSize,
        uncompressedSize,
        digest: `sha256:${hex}` as Digest,
        crc64,
      }));
      if (blocks === undefined) return undefined;
      return { diffId, size: blocks.reduce((sum, block) => sum + block.uncompressedSize, 0), blocks };
    },
    async putLayer({ diffId, blocks }) {
      const rows = blocks.map((block) => [
        block.key,
        block.unpaddedSize,
        block.uncompressedSize,
        hexOf(block.digest),
        block.crc64,
      ]);
      await writeCheckedJson(recordPath(diffId), { diffId, blocks: rows }, partials);
    },
  };
}

/** By hand, for a bundle may have ten thousand blocks, and zod takes a third of the time of all that opening it takes. */
function findRows(value: unknown, diffId: DiffId): readonly Row[] | undefined {
  if (typeof value !== 'object' || value === null || !('diffId' in value) || !('blocks' in value)) {
    return undefined;
  }
  const { blocks } = value;
  return value.diffId === diffId && Array.isArray(blocks) && blocks.every(isRow) ? blocks : undefined;
}

function isRow(value: unknown): value is Row {
  if (!Array.isArray(value) || value.length !== 5) return false;
  const [key, unpaddedSize, uncompressedSize, hex, crc64] = value as unknown[];
  return (
    typeof key === 'string' &&
    isSize(unpaddedSize) &&
    isSize(uncompressedSize) &&
    typeof hex === 'string' &&
    typeof crc64 === 'string'
  );
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
