/** The source for an OCI image layout in a folder. */
import type { PlatformWish } from '../../image/platform.ts';
import type { ImageSource } from '../../image/image-source.ts';
import { readListedImages } from './layouts/read-listed-images.ts';
import { surveyListedImages } from './layouts/survey-listed-images.ts';
import { createFolderTable } from './folder-table.ts';

/**
 * The layout in `folder`. Layers that the sink has are not read. Reading throws archive-*, config-*, layer-*,
 * image-not-found, source-failed.
 */
export function createOciFolderSource(folder: string, wish: PlatformWish): ImageSource {
  const label = `OCI layout "${folder}"`;
  return {
    description: label,
    readImages(references, sink, options = {}) {
      const { signal } = options;
      const table = createFolderTable(folder, { label, signal });
      return readListedImages(table, references, sink, { ...options, wish });
    },
    surveyImages(references, _known, { signal, leaveOut } = {}) {
      const table = createFolderTable(folder, { label, signal });
      return surveyListedImages(table, references, wish, leaveOut);
    },
    close: () => Promise.resolve(),
  };
}
