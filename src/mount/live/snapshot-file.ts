/** A mounted file whose content is made when somebody opens it, and then stays that for its reader. */
import { createMemoryFile, type MountedFile, type OpenFile } from '../fuse/mounted-file.ts';

/** How long one content serves those that look and then open, as programs do. */
const freshMs = 500;

/**
 * A file of what `render` returns at the moment it is opened. Its size is that of the content last made, so that a
 * reader who asks for the size of what it holds open gets the right one.
 */
export function createSnapshotFile(render: () => Uint8Array, now: () => number = Date.now): MountedFile {
  let bytes: Uint8Array = new Uint8Array();
  let madeMs = -Infinity;
  let openCount = 0;
  const renew = (): Uint8Array => {
    if (now() - madeMs >= freshMs) {
      bytes = render();
      madeMs = now();
    }
    return bytes;
  };
  return {
    get size() {
      return openCount > 0 ? bytes.length : renew().length;
    },
    async open(): Promise<OpenFile> {
      const content = renew();
      const opened = await createMemoryFile(content).open();
      openCount++;
      return {
        ...opened,
        size: content.length,
        close: () => {
          openCount--;
        },
      };
    },
  };
}
