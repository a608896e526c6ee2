/** Whether a layer's record is true: its blocks are decoded, and what they decode to is hashed. */
import { type DiffId, finishDigest, startDigest } from '../ground/digest.ts';
import { BundleError, isBundleError } from '../ground/errors.ts';
import type { BlockKey, BlockRecord } from '../plan/layout/block-record.ts';
import type { BlockStore } from './block-store.ts';

type Store = Pick<BlockStore, 'readContent' | 'readRecord'>;

/** Blocks that are decoded at once; each is in memory until its turn to be hashed. */
const blocksAtOnce = 4;

/**
 * Reads every block of the record at `path` from `store`, which notes those that are right. False where a block is not
 * stored. Throws block-corrupt with the path of what is wrong: a block, or the record itself where it names another block
 * than its own, or blocks that do not make the layer.
 */
export async function checkLayer(
  path: string,
  { diffId, blocks }: { readonly diffId: DiffId; readonly blocks: readonly BlockRecord[] },
  store: Store,
): Promise<boolean> {
  const hash = startDigest();
  const waiting: Promise<Uint8Array | undefined>[] = [];
  const begin = (block: BlockRecord | undefined): void => {
    if (block === undefined) return;
    const content = store.readContent(block).catch(async (error: unknown) => {
      throw isBundleError(error, 'block-corrupt') && (await isSound(block.key, store))
        ? wrongRecord(path, 'it names other bytes than its blocks have')
        : error;
    });
    content.catch(() => undefined); // thrown when it is its turn
    waiting.push(content);
  };
  for (const block of blocks.slice(0, blocksAtOnce)) begin(block);
  for (let next = blocksAtOnce; waiting.length > 0; next += 1) {
    const content = await waiting.shift();
    if (content === undefined) return false;
    begin(blocks[next]);
    hash.update(content);
  }
  if (finishDigest(hash) === diffId) return true;
  throw wrongRecord(path, 'its blocks do not make the layer');
}

/** Whether the block is right by its own record. */
async function isSound(key: BlockKey, store: Store): Promise<boolean> {
  try {
    const record = await store.readRecord(key);
    return record !== undefined && (await store.readContent(record)) !== undefined;
  } catch (error) {
    if (isBundleError(error, 'block-corrupt')) return false;
    throw error;
  }
}

function wrongRecord(path: string, found: string): BundleError {
  return new BundleError('block-corrupt', `Cannot read "${path}": ${found}`, { path });
}
