/** Layers whose blocks are in a cache, for looking into: only what is looked at is decoded. */
import { type BlockRecord } from '../plan/layout/block-record.ts';
import type { Cache } from '../cache/cache.ts';
import type { LayerRecord } from '../plan/layout/layer-record.ts';
import type { Profile } from '../plan/layout/profile.ts';
import type { CheckName } from '../format/xz/stream-flags.ts';
import type { DiffId } from '../ground/digest.ts';
import { createDecodedBlocks, type DecodedBlocks } from './decoded-blocks.ts';
import { openDecodedFile } from './decoded-file.ts';
import { listDecodableBlocks } from './decodable-blocks.ts';
import { openStoredFile, type StoredPlaces } from './stored-file.ts';
import type { VirtualFile } from './virtual-file.ts';
import { layOutXz } from '../plan/layout/xz-layout.ts';
import type { FindLayer } from './layer-bytes.ts';
import { nameRange, type PlacedBlock } from './name-range.ts';

export interface StoredLayers extends AsyncDisposable {
  readonly findRecord: (diffId: DiffId) => Promise<LayerRecord | undefined>;
  readonly findLayer: FindLayer;
}

/** Decoded bytes to keep of all layers together: a block of the largest size, and those that are read ahead of it. */
const decodedSize = 64 * 1024 * 1024;

/** The layers that `cache` has of `profile`. */
export async function openStoredLayers(cache: Cache, profile: Profile): Promise<StoredLayers> {
  const decoded = createDecodedBlocks(decodedSize);
  const records = await cache.openLayers(profile);
  const store = await cache.openBlocks(profile);
  const opened: VirtualFile[] = [];
  return {
    findRecord: (diffId) => records.findLayer(diffId),
    async findLayer(diffId) {
      const record = await records.findLayer(diffId);
      if (record === undefined) return undefined;
      for (const block of record.blocks) if (!(await store.hasBlock(block))) return undefined;
      const blocks = placeBlocks(record.blocks);
      const file = openLayer(record.blocks, profile.check, store, decoded);
      opened.push(file);
      return { kind: 'random', file, nameRange: (position, size) => nameRange(blocks, position, size) };
    },
    async [Symbol.asyncDispose]() {
      for (const file of opened) await file.close();
      await cache.save();
    },
  };
}

function openLayer(
  records: readonly BlockRecord[],
  check: CheckName,
  places: StoredPlaces,
  decoded: DecodedBlocks,
): VirtualFile {
  const layout = layOutXz(records, check);
  return openDecodedFile(openStoredFile(layout, places), listDecodableBlocks(layout, check), { decoded });
}

function placeBlocks(records: readonly BlockRecord[]): PlacedBlock[] {
  let start = 0;
  return records.map(({ key, uncompressedSize }) => {
    const block = { print: key, start, size: uncompressedSize };
    start += uncompressedSize;
    return block;
  });
}
