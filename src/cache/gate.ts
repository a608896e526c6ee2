/** The gate of a cache: the lock of its folder, shared by those who take leases, held alone by whoever removes what nobody leased. */
import { setTimeout as sleep } from 'node:timers/promises';
import { tryLockFile, tryLockShared } from '../addon/file-lock.ts';
import { type OpenFolder, openOwnFolder } from '../disk/own/open-folder.ts';
import { BundleError } from '../ground/errors.ts';
import { withCacheErrors } from './cache-error.ts';

/** flock without waiting is all the addon offers; a collection takes about a second, a lease a millisecond. */
const pollMs = 20;

export interface EnterGateOptions {
  /** Alone, or with others who do not ask to be alone. */
  readonly isAlone: boolean;
  /** How long to wait; 0 to try once. */
  readonly timeoutMs: number;
}

/** Locks the folder `root`. Throws cache-failed where others have it for longer than `timeoutMs`. */
export async function enterGate(root: string, options: EnterGateOptions): Promise<AsyncDisposable> {
  const gate = await findGate(root, options);
  if (gate !== undefined) return gate;
  throw options.isAlone
    ? new BundleError('cache-failed', `Cannot collect in the cache "${root}": it is in use all the time`, {
        hint: 'Another collection is running, or a reader that may not write to the cache holds all of it. Try again when that has ended.',
      })
    : new BundleError('cache-failed', `Cannot use the cache "${root}": a collection holds it`, {
        hint: 'Wait for the other bundlefs process (cache gc) to end, or end it.',
      });
}

/** The same, but undefined where others have it. */
export async function findGate(
  root: string,
  { isAlone, timeoutMs }: EnterGateOptions,
): Promise<AsyncDisposable | undefined> {
  const endMs = performance.now() + timeoutMs;
  // A bare descriptor, for Node closes a FileHandle that nobody refers to any more; see openHeldFile.
  const folder = await withCacheErrors('open', root, () => Promise.resolve().then(() => openOwnFolder(root)));
  try {
    for (;;) {
      const isLocked = await withCacheErrors('lock', root, () =>
        Promise.resolve().then(() => (isAlone ? tryLockFile(folder.fd) : tryLockShared(folder.fd))),
      );
      if (isLocked) return holdOpen(folder);
      if (performance.now() >= endMs) break;
      await sleep(pollMs);
    }
  } catch (error) {
    folder[Symbol.dispose]();
    throw error;
  }
  folder[Symbol.dispose]();
  return undefined;
}

function holdOpen(folder: OpenFolder): AsyncDisposable {
  return {
    [Symbol.asyncDispose]() {
      folder[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}
