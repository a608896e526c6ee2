/** The tree of a mount, without a mount. */
import { describe, expect, test } from 'vitest';
import {
  createBundleDirectory,
  type DirectoryEntry,
  type FileEntry,
  listEntries,
  statEntry,
} from '../../../src/mount/fuse/bundle-directory.ts';
import { createMemoryFile } from '../../../src/mount/fuse/mounted-file.ts';

function createEntry(name: string, ino: number, size = 0): FileEntry {
  return { kind: 'file', name, ino, mtimeMs: 5, file: { ...createMemoryFile(new Uint8Array()), size } };
}

function create(...entries: DirectoryEntry[]): ReturnType<typeof createBundleDirectory> {
  return createBundleDirectory(entries, { mtimeMs: 7 });
}

describe('createBundleDirectory', () => {
  test('finds the root, files, folders, what is in them and what is hidden, and nothing else', () => {
    const one = createEntry('one', 10, 3);
    const deep = createEntry('deep', 11, 4);
    const hidden: FileEntry = { ...createEntry('hidden', 12), hidden: true };
    const folder = { kind: 'folder', name: 'folder', ino: 13, mtimeMs: 6, entries: [deep, hidden] } as const;
    const directory = create(one, folder);

    expect(directory.findEntry('/')).toBe(directory.root);
    expect(directory.findEntry('/one')).toBe(one);
    expect(directory.findEntry('/folder')).toBe(folder);
    expect(directory.findEntry('/folder/deep')).toBe(deep);
    expect(directory.findEntry('/folder/hidden')).toBe(hidden);
    for (const path of ['', '/two', '/one/', '/folder/', '/deep', 'one', '/constructor', '/one/deep']) {
      expect(directory.findEntry(path), path).toBeUndefined();
    }
    expect(listEntries(directory.root)).toEqual([one, folder]);
    expect(listEntries(folder)).toEqual([deep]);
    expect(directory).toMatchObject({ fileCount: 2, totalSize: 7 });
  });

  test.each(['', '.', '..', 'a/b', 'a\0b', 'x'.repeat(256)])('refuses %j as a name', (name) => {
    expect(() => create(createEntry(name, 10))).toThrow(TypeError);
  });

  test('refuses a name that appears twice', () => {
    expect(() => create(createEntry('same', 10), createEntry('same', 11))).toThrow(/"\/same" appears twice/);
  });

  test.each([0, 1, 1.5, 2 ** 32, Number.NaN])('refuses %d as an inode number', (ino) => {
    expect(() => create(createEntry('one', ino))).toThrow(RangeError);
  });

  test('refuses an inode number that is used twice, in another folder too', () => {
    const folder = {
      kind: 'folder',
      name: 'f',
      ino: 11,
      mtimeMs: 0,
      entries: [createEntry('b', 10)],
    } as const;
    expect(() => create(createEntry('a', 10), folder)).toThrow(RangeError);
  });

  test.each([-1, 0.5, 2 ** 53])('refuses %d as a size', (size) => {
    expect(() => create(createEntry('one', 10, size))).toThrow(RangeError);
  });
});

describe('statEntry', () => {
  test.each([
    [0, 0],
    [1, 1],
    [512, 1],
    [513, 2],
    [5 * 2 ** 40 + 1, 5 * 2 ** 31 + 1],
  ])('of %d bytes says %d blocks', (size, blocks) => {
    expect(statEntry(createEntry('one', 10, size))).toMatchObject({ size, blocks, ino: 10, mtimeMs: 5 });
  });

  test('gives type, permissions and link counts of files and folders', () => {
    const inner = { kind: 'folder', name: 'g', ino: 12, mtimeMs: 0, entries: [], mode: 0o500 } as const;
    const folder = { kind: 'folder', name: 'f', ino: 11, mtimeMs: 0, entries: [inner] } as const;
    expect(statEntry(createEntry('one', 10))).toMatchObject({ mode: 0o100444, nlink: 1 });
    expect(statEntry({ ...createEntry('one', 10), mode: 0o400 })).toMatchObject({ mode: 0o100400 });
    expect(statEntry(folder)).toMatchObject({ mode: 0o040555, nlink: 3, size: 0 });
    expect(statEntry(inner)).toMatchObject({ mode: 0o040500, nlink: 2 });
  });
});
