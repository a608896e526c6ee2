/** What became of each image in an engine. */
import { formatTable } from '../../ground/format-text.ts';
import type { LoadedImage } from '../../place/engine/load-into-engine.ts';

export function loadedToText(loaded: readonly LoadedImage[]): string[] {
  return formatTable(
    ['image', 'id', ''],
    loaded.map(({ name, id, status }) => [name, id.slice(7, 19), status]),
  );
}
