/** The `.tar.xz` view, and others of stored bytes: a layout read straight from stored blocks, never decoded, each checked when it is first touched. */
import { type ExtentFile, type ExtentInput, ExtentReader, type ReadHandle } from '../addon/extent-reader.ts';
import type { BlockKey } from '../plan/layout/block-record.ts';
import type { BlockStore } from '../cache/block-store.ts';
import type { Layout } from '../plan/layout/extent.ts';
import { readChunks } from './read-chunks.ts';
import type { VirtualFile } from './virtual-file.ts';

/** Where block files are, and what is known of them. */
export type StoredPlaces = Pick<BlockStore, 'blockPath' | 'findKnownStamp'>;

export interface StoredFile extends VirtualFile {
  /** Like read, without waiting: undefined where that is not possible, and read must be used. */
  tryRead(target: Uint8Array, position: number): number | undefined;
  /** A handle by which a mount reads it without JavaScript; it outlives `close`. */
  openHandle(): ReadHandle;
}

/**
 * Opens `layout` over the block files in `places`. Nothing is opened on disk before it is read, and the table
 * of extents is made when the first byte or handle is asked for: a size is wanted more often.
 */
export function openStoredFile(layout: Layout, places: StoredPlaces): StoredFile {
  let made: ExtentReader | undefined;
  let isClosed = false;
  const reader = (): ExtentReader => {
    if (isClosed) throw new TypeError('This file is closed');
    return (made ??= createReader(layout, places));
  };
  const stored: StoredFile = {
    size: layout.size,
    read: async (target, position) => reader().read(target, position),
    tryRead: (target, position) => reader().tryRead(target, position),
    openHandle: () => reader().openHandle(),
    stream: (options) => readChunks(stored, options),
    close: async () => {
      isClosed = true;
      await made?.close();
    },
  };
  return stored;
}

function createReader(layout: Layout, places: StoredPlaces): ExtentReader {
  const files: ExtentFile[] = [];
  const fileOf = new Map<BlockKey, number>();
  const extents = layout.extents.map((extent): ExtentInput => {
    const { start, length } = extent;
    if (extent.kind === 'memory') return { start, length, source: { kind: 'memory', bytes: extent.bytes } };
    const { record } = extent;
    let file = fileOf.get(record.key);
    if (file === undefined) {
      file =
        files.push({
          path: places.blockPath(record.key),
          size: length,
          digest: record.digest,
          crc64: record.crc64,
          stamp: places.findKnownStamp(record),
        }) - 1;
      fileOf.set(record.key, file);
    }
    return { start, length, source: { kind: 'file', file, position: 0 } };
  });
  return new ExtentReader(files, extents);
}
