/** Layer records: which blocks a layer is made of, for ever true of a diffId and a profile. */
import type { LayerRecord } from '../plan/layout/layer-record.ts';
import { join } from 'node:path';
import { type DiffId, type Digest, hexOf } from '../ground/digest.ts';
import { removeOwnFile } from '../disk/own/own-files.ts';
import { isBundleError } from '../ground/errors.ts';
import type { BlockKey, BlockRecord } from '../plan/layout/block-record.ts';
import type { BlockStore } from './block-store.ts';
import { checkLayer } from './check-layer.ts';
import { findSummedJson, writeCheckedJson } from './checked-json.ts';
import { createFacts, type Facts } from './ledger.ts';

export interface LayerRecords {
  /**
   * The record of a layer, where it is known to be right (see Ledger), or is found to be: then all of its blocks are
   * decoded and hashed, once. Undefined where there is none, or not all that it takes to tell. A record that is wrong is
   * set aside, and so is a block that is not what it is called.
   */
  findLayer(diffId: DiffId): Promise<LayerRecord | undefined>;
  /** The record as it lies there, whoever wrote it: for what may be wrong without harm. */
  readLayer(diffId: DiffId): Promise<LayerRecord | undefined>;
  /** Every block must be stored before its layer's record is. */
  putLayer(record: LayerRecord): Promise<void>;
  /** Removes the record, if there is one. Blocks stay. */
  removeLayer(diffId: DiffId): Promise<void>;
}

export interface OpenLayerRecordsOptions {
  /** Where records are written first. */
  readonly partials: string;
  /** What is known of records, by diffId in hex. */
  readonly facts?: Facts;
  /** The blocks that records name: without them, only records that are known are found. */
  readonly store?: BlockStore;
  readonly setAside?: (path: string) => Promise<void>;
  /** Called when a record has to be checked that this user's processes did not write, with the layer's size. */
  readonly onForeign?: (size: number) => void;
}

/** A block: [key, unpadded size, uncompressed size, hex of the stored bytes' sha256, their CRC64]. */
type Row = readonly [string, number, number, string, string];

/** The records of one profile in `folder`, which must exist. */
export function openLayerRecords(folder: string, options: OpenLayerRecordsOptions): LayerRecords {
  const { partials, facts = createFacts(), store, setAside, onForeign } = options;
  const recordPath = (diffId: DiffId): string => join(folder, `${hexOf(diffId)}.json`);
  const underWay = new Map<DiffId, Promise<LayerRecord | undefined>>();
  const read = async (diffId: DiffId): Promise<{ record: LayerRecord; digest: Digest } | undefined> => {
    const found = await findSummedJson(recordPath(diffId));
    const blocks = findRows(found?.value, diffId)?.map(toBlock);
    if (found === undefined || blocks === undefined) return undefined;
    const size = blocks.reduce((sum, block) => sum + block.uncompressedSize, 0);
    return { record: { diffId, size, blocks }, digest: found.digest };
  };
  const find = async (diffId: DiffId): Promise<LayerRecord | undefined> => {
    const found = await read(diffId);
    if (found === undefined) return undefined;
    const { record, digest } = found;
    if (facts.find(hexOf(diffId)) === hexOf(digest)) return record;
    if (store === undefined || (await store.stampBlocks(record.blocks)).includes(undefined)) return undefined;
    onForeign?.(record.size);
    try {
      if (!(await checkLayer(recordPath(diffId), record, store))) return undefined;
    } catch (error) {
      if (!isBundleError(error, 'block-corrupt') || error.path === undefined) throw error;
      await setAside?.(error.path);
      return undefined;
    }
    facts.note(hexOf(diffId), hexOf(digest));
    return record;
  };
  return {
    findLayer(diffId) {
      const checking = underWay.get(diffId) ?? find(diffId).finally(() => underWay.delete(diffId));
      underWay.set(diffId, checking);
      return checking;
    },
    readLayer: async (diffId) => (await read(diffId))?.record,
    async putLayer({ diffId, blocks }) {
      const rows = blocks.map((block): Row => [
        block.key,
        block.unpaddedSize,
        block.uncompressedSize,
        hexOf(block.digest),
        block.crc64,
      ]);
      const digest = await writeCheckedJson(recordPath(diffId), { diffId, blocks: rows }, partials);
      facts.note(hexOf(diffId), hexOf(digest));
    },
    removeLayer: (diffId) => removeOwnFile(recordPath(diffId)),
  };
}

function toBlock([key, unpaddedSize, uncompressedSize, hex, crc64]: Row): BlockRecord {
  const digest = `sha256:${hex}` as Digest;
  return { key: key as BlockKey, unpaddedSize, uncompressedSize, digest, crc64 };
}

/** By hand, for a bundle may have ten thousand blocks, and zod takes a third of the time of all that opening it takes. */
function findRows(value: unknown, diffId: DiffId): readonly Row[] | undefined {
  if (typeof value !== 'object' || value === null || !('diffId' in value) || !('blocks' in value)) {
    return undefined;
  }
  const { blocks } = value;
  return value.diffId === diffId && Array.isArray(blocks) && blocks.every(isRow) ? blocks : undefined;
}

const hexForm = /^[0-9a-f]{64}$/;
const crc64Form = /^[0-9a-f]{16}$/;

function isRow(value: unknown): value is Row {
  if (!Array.isArray(value) || value.length !== 5) return false;
  const [key, unpaddedSize, uncompressedSize, hex, crc64] = value as unknown[];
  return (
    typeof key === 'string' &&
    hexForm.test(key) &&
    isSize(unpaddedSize) &&
    isSize(uncompressedSize) &&
    typeof hex === 'string' &&
    hexForm.test(hex) &&
    typeof crc64 === 'string' &&
    crc64Form.test(crc64)
  );
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
