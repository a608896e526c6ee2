import { expect, it } from 'vitest';
import { type GenerationContent, Publisher } from '../../../src/mount/live/publisher.ts';
import type { FileEntry } from '../../../src/mount/fuse/bundle-directory.ts';
import { createMemoryFile, type OpenFile } from '../../../src/mount/fuse/mounted-file.ts';

function createContent(text: string, closed: string[]): GenerationContent {
  const entry: FileEntry = {
    kind: 'file',
    name: 'images.tar.xz',
    ino: 70_000,
    mtimeMs: 0,
    file: createMemoryFile(Buffer.from(text)),
  };
  return {
    recipe: text,
    recipeJson: {},
    size: text.length,
    sha256: '',
    images: [],
    entries: [{ kind: 'folder', name: 'folder', ino: 70_001, mtimeMs: 0, entries: [entry] }],
    mtimeMs: 0,
    close() {
      closed.push(text);
      return Promise.resolve();
    },
  };
}

async function openFile(publisher: Publisher): Promise<OpenFile> {
  const entry = publisher.directory.findEntry('/folder/images.tar.xz');
  if (entry?.kind !== 'file') throw new Error('there is no such file');
  return entry.file.open();
}

function textOf(file: OpenFile): string {
  const target = Buffer.alloc(10);
  return target.toString('utf8', 0, file.tryRead(target, 0));
}

it('Publisher keeps an old generation open until the last of its files is closed, and then closes it once', async () => {
  const closed: string[] = [];
  const publisher = new Publisher({ extraEntries: () => [], onCloseError: () => undefined });
  expect(() => publisher.directory).toThrow(RangeError);
  publisher.publish(createContent('one', closed));
  const [first, second] = [await openFile(publisher), await openFile(publisher)];
  expect(publisher.publish(createContent('two', closed)).number).toBe(2);
  expect(textOf(first)).toBe('one');
  expect(textOf(await openFile(publisher))).toBe('two');
  expect(publisher.older.map(({ number, openHandleCount }) => [number, openHandleCount])).toEqual([[1, 2]]);
  await first.close();
  expect(closed).toEqual([]);
  await second.close();
  expect(closed).toEqual(['one']);
  expect(publisher.older).toEqual([]);

  publisher.publish(createContent('three', closed));
  publisher.publish(createContent('four', closed));
  expect(closed).toEqual(['one', 'three']); // nobody had it open
  await publisher.close();
  expect(closed.sort()).toEqual(['four', 'one', 'three', 'two']);
});

it('Publisher counts no handle of a file that could not be opened', async () => {
  const closed: string[] = [];
  const publisher = new Publisher({ extraEntries: () => [], onCloseError: () => undefined });
  const content = createContent('one', closed);
  const broken: FileEntry = {
    kind: 'file',
    name: 'broken',
    ino: 5,
    mtimeMs: 0,
    file: { size: 1, open: () => Promise.reject(new Error('cannot open')) },
  };
  publisher.publish({ ...content, entries: [broken] });
  const entry = publisher.directory.findEntry('/broken');
  if (entry?.kind !== 'file') throw new Error('there is no such file');
  await expect(entry.file.open()).rejects.toThrow('cannot open');
  expect(publisher.current.openHandleCount).toBe(0);
});
