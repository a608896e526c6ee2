/** Notices that files change: by their folders, for an editor puts a new file in the place of the old one. */
import { type FSWatcher, stat, watch } from '../../disk/named-files.ts';
import { basename, dirname } from 'node:path';

export interface WatchFilesOptions {
  readonly onChange: (path: string) => void;
  /** How often they are looked at without a sign: network file systems and links give none. */
  readonly pollMs?: number;
}

export interface FileWatch {
  readonly paths: readonly string[];
  /** Watches these from now on, each of which may be absent. */
  update(paths: readonly string[]): void;
  close(): void;
}

/**
 * Watches files by absolute paths. A change is another inode, size or time, or the file's coming or going. Looks only
 * through Node's thread pool, so that a file system that hangs stops nothing else.
 */
export function watchFiles(
  paths: readonly string[],
  { onChange, pollMs = 10_000 }: WatchFilesOptions,
): FileWatch {
  const signatures = new Map<string, string | undefined>();
  /** Those that are being looked at, and whether a sign has come meanwhile. */
  const looking = new Map<string, boolean>();
  const folders = new Map<string, FSWatcher>();

  const look = async (path: string): Promise<void> => {
    if (looking.has(path)) {
      looking.set(path, true);
      return;
    }
    looking.set(path, false);
    const found = await signatureOf(path);
    const isAgain = looking.get(path) === true;
    looking.delete(path);
    if (!signatures.has(path)) return;
    const known = signatures.get(path);
    signatures.set(path, found);
    if (known !== undefined && known !== found) onChange(path);
    if (isAgain) void look(path);
  };
  const lookAtAll = (): void => {
    watchFolders();
    for (const path of signatures.keys()) void look(path);
  };
  const watchFolders = (): void => {
    const wanted = new Set([...signatures.keys()].map((path) => dirname(path)));
    for (const [folder, watcher] of folders) {
      if (wanted.has(folder)) continue;
      watcher.close();
      folders.delete(folder);
    }
    for (const folder of wanted) if (!folders.has(folder)) watchFolder(folder);
  };
  const watchFolder = (folder: string): void => {
    let watcher: FSWatcher;
    try {
      watcher = watch(folder, { persistent: false });
    } catch {
      return; // not there, or too many are watched: looking from time to time has to do
    }
    const drop = (): void => {
      watcher.close();
      if (folders.get(folder) === watcher) folders.delete(folder);
    };
    watcher.on('change', (_event, name: string | null) => {
      for (const path of signatures.keys()) {
        if (dirname(path) === folder && (name === null || name === basename(path))) void look(path);
      }
      // The folder itself was moved or removed: whatever stands under its name is another one.
      if (name === basename(folder)) drop();
    });
    watcher.on('error', drop);
    folders.set(folder, watcher);
  };
  const update = (next: readonly string[]): void => {
    const wanted = new Set(next);
    for (const path of signatures.keys()) if (!wanted.has(path)) signatures.delete(path);
    for (const path of wanted) if (!signatures.has(path)) signatures.set(path, undefined);
    lookAtAll();
  };

  update(paths);
  const timer = setInterval(lookAtAll, pollMs).unref();
  return {
    get paths() {
      return [...signatures.keys()];
    },
    update,
    close() {
      clearInterval(timer);
      for (const watcher of folders.values()) watcher.close();
      folders.clear();
      signatures.clear();
    },
  };
}

async function signatureOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeMs } = await stat(path);
    return [dev, ino, size, mtimeMs].join(' ');
  } catch {
    return 'absent';
  }
}
