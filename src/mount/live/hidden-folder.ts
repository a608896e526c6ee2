/** `.bundlefs`, which every mount has but does not list, so that a copy of the folder does not pick it up. */
import type { FolderEntry } from '../fuse/bundle-directory.ts';
import { createMemoryFile } from '../fuse/mounted-file.ts';
import type { GenerationContent } from './publisher.ts';
import { createSnapshotFile } from './snapshot-file.ts';
import type { MountStatus } from '../control/status.ts';

/** Below all that the files of a stick have. */
const inos = { folder: 2, status: 3, recipe: 4 };

/** Most statuses fit into one or two of these. */
const sizeStep = 4096;

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
        file: createSnapshotFile(() => padToStep(toText(getStatus()))),
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

/**
 * Fills up with spaces, which JSON allows. The kernel tells who holds the file of the generation before the size of the
 * newest one, and some programs read no further than that: so contents should have one size.
 */
function padToStep(text: Uint8Array): Uint8Array {
  const padded = Buffer.alloc(Math.ceil(text.length / sizeStep) * sizeStep, ' ');
  padded.set(text.subarray(0, -1));
  padded.write('\n', padded.length - 1);
  return padded;
}

function toText(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`);
}
