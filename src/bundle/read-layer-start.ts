/** Reads the start of a layer whose blocks are stored. */
import type { LayerRecord } from '../plan/layout/layer-record.ts';
import type { CheckName } from '../format/xz/stream-flags.ts';
import { openDecodedFile } from '../file/decoded-file.ts';
import { listDecodableBlocks } from '../file/decodable-blocks.ts';
import { readFully } from '../file/read-chunks.ts';
import { openStoredFile, type StoredPlaces } from '../file/stored-file.ts';
import { layOutXz } from '../plan/layout/xz-layout.ts';

/** The first `size` bytes of the layer, fewer where it has no more. Throws block-missing, block-corrupt, xz-corrupt. */
export async function readLayerStart(
  { blocks, size: layerSize }: LayerRecord,
  size: number,
  check: CheckName,
  places: StoredPlaces,
): Promise<Uint8Array> {
  const layout = layOutXz(blocks, check);
  const stored = openStoredFile(layout, places);
  try {
    const start = Buffer.alloc(Math.min(size, layerSize));
    await readFully(openDecodedFile(stored, listDecodableBlocks(layout, check)), start, 0);
    return start;
  } finally {
    await stored.close();
  }
}
