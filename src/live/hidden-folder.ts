/** `.bundlefs`, which every mount has but does not list, so that a copy of the folder does not pick it up. */
import type { FolderEntry } from '../mount/bundle-directory.ts';
import { createMemoryFile } from '../mount/memory-file.ts';
import type { GenerationContent } from './publisher.ts';
import { createSnapshotFile } from './snapshot-file.ts';
import type { MountStatus } from './status.ts';

/** Below all that the files of a stick have. */
const inos = { folder: 2, status: 3, recipe: 4 };

/** The folder of one generation; `getStatus` is asked when somebody opens `status.json`. */
export function createHiddenFolder(content: GenerationContent, getStatus: () => MountStatus): FolderEntry {
  const { mtimeMs } = content;
  const common = { kind: 'file', mtimeMs } as const;
  return {
    kind: 'folder',
    name: '.bundlefs',
    ino: inos.folder,
    mtimeMs,
    hidden: true,
    entries: [
      {
        ...common,
        name: 'status.json',
        ino: inos.status,
        file: createSnapshotFile(() => toText(getStatus())),
      },
      {
        ...common,
        name: 'recipe.json',
        ino: inos.recipe,
        file: createMemoryFile(toText(content.recipeJson)),
      },
    ],
  };
}

function toText(value: object): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`);
}
