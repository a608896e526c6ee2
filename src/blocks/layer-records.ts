/** Layer records: which blocks a layer is made of, for ever true of a diffId and a profile. */
import { join } from 'node:path';
import { z } from 'zod';
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

const sizeSchema = z.int().nonnegative();

/** A block as a row [key, unpadded size, uncompressed size, hex of the stored bytes' sha256, their CRC64]: a bundle may have 10,000. */
const layerSchema = z.object({
  diffId: z.string(),
  blocks: z.array(z.tuple([z.string(), sizeSchema, sizeSchema, z.string(), z.string()])),
});

/** The records of one profile in `folder`, which must exist; `partials` is where they are written first. */
export function openLayerRecords(folder: string, partials: string): LayerRecords {
  const recordPath = (diffId: DiffId): string => join(folder, `${hexOf(diffId)}.json`);
  return {
    async findLayer(diffId) {
      const found = layerSchema.safeParse(await findCheckedJson(recordPath(diffId)));
      if (!found.success || found.data.diffId !== diffId) return undefined;
      const blocks = found.data.blocks.map(
        ([key, unpaddedSize, uncompressedSize, hex, crc64]): BlockRecord => ({
          key: key as BlockKey,
          unpaddedSize,
          uncompressedSize,
          digest: `sha256:${hex}` as Digest,
          crc64,
        }),
      );
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
