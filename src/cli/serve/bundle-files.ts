/** The files of a stick, and of views beside it, as a mount shows them. */
import { largestOf } from '../../ground/long-lists.ts';
import { digestOf } from '../../ground/digest.ts';
import type { DecodedFile } from '../../file/decoded-file.ts';
import type { StoredFile } from '../../file/stored-file.ts';
import type { DirectoryEntry, FolderEntry } from '../../mount/fuse/bundle-directory.ts';
import { createMemoryFile, type MountedFile } from '../../mount/fuse/mounted-file.ts';
import type { Stick } from '../../product/stick/create-stick.ts';
import type { ViewFile } from '../../product/views/view-file.ts';

/** Smaller inode numbers are free for entries that are not of the stick. */
export const firstStickIno = 2 ** 16;
const inoCount = 2 ** 32 - firstStickIno;

/** Gives a number for what is called `name` and holds what `identity` tells from all else. */
type ChooseIno = (identity: string, name: string) => number;

/**
 * The files of `stick` for the directory of a mount, and behind them those of `views`, in folders. A file's inode number
 * comes from its name and content: it stays while these stay, and is another one when another generation has other
 * bytes under the name.
 */
export function listStickEntries(stick: Stick, views: readonly ViewFile[] = []): readonly DirectoryEntry[] {
  const chooseIno = createInoChooser();
  const files = stick.files.map((file): DirectoryEntry => {
    const { name, mode, mtimeMs, digest, content } = file;
    const ino = chooseIno(digest, name);
    return { kind: 'file', name, ino, mtimeMs, mode, file: mountContent(content) };
  });
  return [...files, ...listViewEntries(views, '', chooseIno)];
}

/** The entries of the folder that all paths of `views` begin with `prefix` in. */
function listViewEntries(
  views: readonly ViewFile[],
  prefix: string,
  chooseIno: ChooseIno,
): (DirectoryEntry & { readonly mtimeMs: number })[] {
  const folders = new Map<string, ViewFile[]>();
  const entries: DirectoryEntry[] = [];
  for (const view of views) {
    const [name = '', ...rest] = view.path.slice(prefix.length).split('/');
    if (rest.length > 0) {
      const inside = folders.get(name) ?? [];
      folders.set(name, inside);
      inside.push(view);
      continue;
    }
    const { identity, mtimeMs, content, path } = view;
    entries.push({
      ...{ kind: 'file', name, ino: chooseIno(identity, path), mtimeMs },
      file: mountContent(content),
    });
  }
  for (const [name, inside] of folders) {
    const path = `${prefix}${name}/`;
    const inner = listViewEntries(inside, path, chooseIno);
    const folder: FolderEntry = {
      ...{ kind: 'folder', name, ino: chooseIno('', path), entries: inner },
      mtimeMs: largestOf(inner.map(({ mtimeMs }) => mtimeMs)),
    };
    entries.push(folder);
  }
  return entries;
}

function createInoChooser(): ChooseIno {
  const taken = new Set<number>();
  return (identity, name) => {
    const hash = Buffer.from(digestOf(Buffer.from(`${identity} ${name}`)).slice(-8), 'hex').readUInt32BE();
    let ino = firstStickIno + (hash % inoCount);
    while (taken.has(ino)) ino = firstStickIno + ((ino + 1 - firstStickIno) % inoCount);
    taken.add(ino);
    return ino;
  };
}

function mountContent(content: ViewFile['content']): MountedFile {
  switch (content.kind) {
    case 'bytes':
      return createMemoryFile(content.bytes);
    case 'extents':
      return mountStoredFile(content.file);
    case 'decoded':
      return mountDecodedFile(content.file);
  }
}

/** Every handle reads through the one table of extents; it belongs to whoever opened the bundle. */
function mountStoredFile(file: StoredFile): MountedFile {
  return {
    size: file.size,
    open: () => {
      const handle = file.openHandle();
      return {
        handleNumber: handle.number,
        tryRead: (target, position) => file.tryRead(target, position),
        read: (target, position) => file.read(target, position),
        close: () => {
          handle.close();
        },
      };
    },
  };
}

/** What the read module does not know: its reads come to JavaScript, and their decoding goes to libuv's threads. */
function mountDecodedFile(file: DecodedFile): MountedFile {
  return {
    size: file.size,
    open: () => ({
      tryRead: (target, position) => file.tryRead(target, position),
      read: (target, position) => file.read(target, position),
      close: () => undefined,
    }),
  };
}
