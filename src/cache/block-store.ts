/** The blocks of one encoder, or the frames of one, in a cache folder: one file each, named by its key. */
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { crc64 } from '../addon/block-codec.ts';
import { isOwnStamp } from '../addon/stamp-files.ts';
import { digestOf, hexOf } from '../ground/digest.ts';
import { makeOwnFolder } from '../disk/make-folder.ts';
import { moveOwnFile, openOwnFile, readOwnFile, removeOwnFile } from '../disk/own/own-files.ts';
import { stampOwnFiles } from '../disk/own/stamp-own-files.ts';
import { startOwnFile } from '../disk/write-durably.ts';
import { BundleError, describeError, isBundleError } from '../ground/errors.ts';
import { encodeTrailer, findRecordInTrailer, trailerSize } from './block-file.ts';
import { blockForm, type BlockKey, type BlockRecord, type StoredForm } from '../plan/layout/block-record.ts';
import { withCacheErrors } from './cache-error.ts';
import { createFacts, type Facts } from './ledger.ts';

/** Stored blocks, found by key. Several processes may use one store at once. */
export interface BlockStore {
  /**
   * The record of a stored block, or undefined where it is not stored or its file is damaged at the end. A block that is
   * not known to be right (see Ledger) is decoded first; where its content is not that of the key, it is set aside.
   */
  findBlock(key: BlockKey): Promise<BlockRecord | undefined>;
  /** The record at the end of a block's file, whoever wrote it; undefined where there is none. */
  readRecord(key: BlockKey): Promise<BlockRecord | undefined>;
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
  /** The stamp at which the block's file is known to have had the bytes of `record`, if that is known. */
  findKnownStamp(record: BlockRecord): string | undefined;
  /**
   * The content of a stored block, which has the record's every property and the key's content. Undefined where it is not
   * stored. From then on the block is known. Throws block-corrupt with the path where it is another one.
   */
  readContent(record: BlockRecord): Promise<Uint8Array | undefined>;
  /** Notes that blocks which the store stamped were all found to have the bytes of their records. */
  noteRight(records: readonly BlockRecord[]): void;
}

export interface OpenBlockStoreOptions {
  readonly form?: StoredForm;
  /** What is known of blocks, by key; nothing yet where left out. */
  readonly facts?: Facts;
  /** The content of stored bytes with this record. Throws where they are no block of this encoder. */
  readonly decode?: (stored: Uint8Array, record: BlockRecord) => Promise<Uint8Array>;
  /** Moves a block out of the way that is not what its name says. */
  readonly setAside?: (path: string) => Promise<void>;
}

export interface BlockStoreFolders {
  /** Where this encoder's blocks are. */
  readonly blocks: string;
  /** Where files are written before they are moved into place. */
  readonly partials: string;
}

/** Opens the store in `folders`, which must exist. */
export function openBlockStore(folders: BlockStoreFolders, options: OpenBlockStoreOptions = {}): BlockStore {
  const { form = blockForm, facts = createFacts(), decode = noDecoder, setAside = removeOwnFile } = options;
  // Ten thousand times in a row; join takes ten times as long.
  const blockPath = (key: BlockKey): string => `${folders.blocks}/${key.slice(0, 2)}/${key}`;
  const stamps = new Map<BlockKey, string>();
  const stampBlocks = (records: readonly BlockRecord[]): (string | undefined)[] => {
    const unknown = records.filter((record) => !stamps.has(record.key));
    const found = stampOwnFiles(
      unknown.map((record) => blockPath(record.key)),
      unknown.map((record) => form.sizeOf(record) + trailerSize),
    );
    for (const [index, { key }] of unknown.entries()) {
      const stamp = found[index];
      if (stamp !== undefined) stamps.set(key, stamp);
    }
    return records.map((record) => stamps.get(record.key));
  };
  const readRecord = (key: BlockKey): Promise<BlockRecord | undefined> =>
    withCacheErrors('read block', blockPath(key), () => findStored(key, blockPath(key), form));
  const isKnown = (record: BlockRecord): boolean =>
    facts.find(record.key)?.startsWith(`${describe(record)} `) === true;
  const findKnownStamp = (record: BlockRecord): string | undefined => {
    const start = `${describe(record)} `;
    const found = facts.find(record.key);
    return found?.startsWith(start) === true && found !== `${start}${noStamp}`
      ? found.slice(start.length)
      : undefined;
  };
  const noteStamp = (record: BlockRecord, stamp: string | undefined): void => {
    const own = stamp !== undefined && isOwnStamp(stamp) ? stamp : noStamp;
    facts.note(record.key, `${describe(record)} ${own}`);
  };
  const readContent = async (record: BlockRecord): Promise<Uint8Array | undefined> => {
    const path = blockPath(record.key);
    const size = form.sizeOf(record);
    if (size > largestSize || record.uncompressedSize > largestSize) {
      throw new BundleError('block-corrupt', `Cannot read "${path}": it is larger than blocks are`, { path });
    }
    const { stamp, bytes } = await withCacheErrors('read block', path, async () => {
      const [stamp] = stampOwnFiles([path], [size + trailerSize]);
      return { stamp, bytes: await readOwnFile(path, size + trailerSize) };
    });
    if (bytes === undefined) return undefined;
    const content = await decodeRight(bytes.subarray(0, size), record, { path, decode });
    noteStamp(record, stamp);
    return content;
  };
  return {
    blockPath,
    async findBlock(key) {
      const path = blockPath(key);
      const record = await readRecord(key);
      if (record === undefined || isKnown(record)) return record;
      try {
        return (await readContent(record)) && record;
      } catch (error) {
        if (!isBundleError(error, 'block-corrupt')) throw error;
        await setAside(path);
        return undefined;
      }
    },
    readRecord,
    readContent,
    findKnownStamp,
    noteRight(records) {
      for (const record of records) noteStamp(record, stamps.get(record.key));
    },
    hasBlock: (record) =>
      withCacheErrors('find block', blockPath(record.key), () =>
        Promise.resolve().then(
          () => stampOwnFiles([blockPath(record.key)], [form.sizeOf(record) + trailerSize])[0] !== undefined,
        ),
      ),
    stampBlocks: (records) =>
      withCacheErrors('find blocks in', folders.blocks, () => Promise.resolve(stampBlocks(records))),
    putBlock: async (record, bytes) => {
      const path = blockPath(record.key);
      const stamp = await withCacheErrors('store block', path, () =>
        store(record, bytes, path, { partials: folders.partials, form }),
      );
      stamps.delete(record.key);
      noteStamp(record, stamp);
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
): Promise<string> {
  if (bytes.length !== form.sizeOf(record))
    throw new RangeError('A block must have the size its record says');
  await makeOwnFolder(dirname(path));
  await using file = await startOwnFile(path, partials);
  const trailer = encodeTrailer(record, form);
  await file.handle.writeFile(bytes);
  await file.handle.writeFile(trailer);
  return await file.commit(bytes.length + trailer.length);
}

/** Far above that of any piece: what claims to be larger is not read. */
const largestSize = 1024 * 1024 * 1024;

/** In the place of a stamp, of a file that others may change. */
const noStamp = '-';

/** All of a record but its key: what a fact of a block begins with. */
function describe({ digest, unpaddedSize, uncompressedSize, crc64: sum }: BlockRecord): string {
  return `${hexOf(digest)} ${unpaddedSize} ${uncompressedSize} ${sum}`;
}

/** The content of `stored`. Throws block-corrupt where anything is not as `record` says, its key included. */
async function decodeRight(
  stored: Uint8Array,
  record: BlockRecord,
  { path, decode }: { readonly path: string } & Required<Pick<OpenBlockStoreOptions, 'decode'>>,
): Promise<Uint8Array> {
  const corrupt = (found: string, cause?: unknown): BundleError =>
    new BundleError('block-corrupt', `Cannot read "${path}": ${found}`, { path, cause });
  if (digestOf(stored) !== record.digest || crc64(stored) !== record.crc64) {
    throw corrupt('its bytes are not the ones that were stored');
  }
  let content: Uint8Array;
  try {
    content = await decode(stored, record);
  } catch (error) {
    throw corrupt(`it cannot be decoded: ${describeError(error)}`, error);
  }
  if (hexOf(digestOf(content)) !== record.key) throw corrupt('its content is not the one that its name says');
  return content;
}

function noDecoder(): Promise<never> {
  throw new TypeError('This store has no decoder');
}
