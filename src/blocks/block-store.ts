/** The blocks of one encoder, or the frames of one, in a cache folder: one file each, named by its key. */
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { stampFiles } from '../addon/stamp-files.ts';
import { makeOwnFolder } from '../disk/make-folder.ts';
import { moveOwnFile, openOwnFile } from '../disk/own-files.ts';
import { startOwnFile } from '../disk/write-durably.ts';
import { encodeTrailer, findRecordInTrailer, trailerSize } from './block-file.ts';
import { blockForm, type BlockKey, type BlockRecord, type StoredForm } from './block-record.ts';
import { withCacheErrors } from './cache-error.ts';

/** Stored blocks, found by key. Several processes may use one store at once. */
export interface BlockStore {
  /** The record of a stored block, or undefined where it is not stored or its file is damaged at the end. */
  findBlock(key: BlockKey): Promise<BlockRecord | undefined>;
  /** Whether the block is stored, by its file's size; its bytes are checked when they are first read. */
  hasBlock(record: BlockRecord): Promise<boolean>;
  /**
   * What tells each block's file from another one and from itself after a change, but for its bytes: those are checked
   * when they are first read. Undefined for a block that is not stored, by its file's size. A file is looked at once by
   * each store object, and again when it has put the block there.
   */
  stampBlocks(records: readonly BlockRecord[]): Promise<(string | undefined)[]>;
  /** Stores `bytes`, the whole block with its padding, or the frame, durably. Storing a block again replaces it in one step. */
  putBlock(record: BlockRecord, bytes: Uint8Array): Promise<void>;
  /** The file whose first bytes, as many as the form says, are the block. */
  blockPath(key: BlockKey): string;
}

export interface BlockStoreFolders {
  /** Where this encoder's blocks are. */
  readonly blocks: string;
  /** Where files are written before they are moved into place. */
  readonly partials: string;
}

/** Opens the store in `folders`, which must exist, of what is stored in `form`. */
export function openBlockStore(folders: BlockStoreFolders, form: StoredForm = blockForm): BlockStore {
  // Ten thousand times in a row; join takes ten times as long.
  const blockPath = (key: BlockKey): string => `${folders.blocks}/${key.slice(0, 2)}/${key}`;
  const stamps = new Map<BlockKey, string>();
  const stampBlocks = (records: readonly BlockRecord[]): (string | undefined)[] => {
    const unknown = records.filter((record) => !stamps.has(record.key));
    const found = stampFiles(
      unknown.map((record) => blockPath(record.key)),
      unknown.map((record) => form.sizeOf(record) + trailerSize),
    );
    for (const [index, { key }] of unknown.entries()) {
      const stamp = found[index];
      if (stamp !== undefined) stamps.set(key, stamp);
    }
    return records.map((record) => stamps.get(record.key));
  };
  return {
    blockPath,
    findBlock: (key) =>
      withCacheErrors('read block', blockPath(key), () => findStored(key, blockPath(key), form)),
    hasBlock: (record) =>
      withCacheErrors('find block', blockPath(record.key), () =>
        Promise.resolve(
          stampFiles([blockPath(record.key)], [form.sizeOf(record) + trailerSize])[0] !== undefined,
        ),
      ),
    stampBlocks: (records) =>
      withCacheErrors('find blocks in', folders.blocks, () => Promise.resolve(stampBlocks(records))),
    putBlock: async (record, bytes) => {
      const path = blockPath(record.key);
      await withCacheErrors('store block', path, () =>
        store(record, bytes, path, { partials: folders.partials, form }),
      );
      stamps.delete(record.key);
    },
  };
}

/**
 * Moves a damaged file out of the way, so that it is made again; keeps it under "bad" for whoever wants to know why.
 * A file that is gone is fine: another process was first.
 */
export async function setAside(path: string, badFolder: string): Promise<void> {
  await withCacheErrors('set aside', path, async () => {
    await makeOwnFolder(badFolder);
    await moveOwnFile(path, join(badFolder, randomBytes(8).toString('hex')));
  });
}

async function findStored(key: BlockKey, path: string, form: StoredForm): Promise<BlockRecord | undefined> {
  const handle = await openOwnFile(path);
  if (handle === undefined) return undefined;
  try {
    const { size } = await handle.stat();
    if (size < trailerSize) return undefined;
    const { buffer, bytesRead } = await handle.read(
      Buffer.alloc(trailerSize),
      0,
      trailerSize,
      size - trailerSize,
    );
    return findRecordInTrailer(key, buffer.subarray(0, bytesRead), size, form);
  } finally {
    await handle.close();
  }
}

async function store(
  record: BlockRecord,
  bytes: Uint8Array,
  path: string,
  { partials, form }: { readonly partials: string; readonly form: StoredForm },
): Promise<void> {
  if (bytes.length !== form.sizeOf(record))
    throw new RangeError('A block must have the size its record says');
  await makeOwnFolder(dirname(path));
  await using file = await startOwnFile(path, partials);
  const trailer = encodeTrailer(record, form);
  await file.handle.writeFile(bytes);
  await file.handle.writeFile(trailer);
  await file.commit(bytes.length + trailer.length);
}
