/** The base of a delta: the bundle that the target has, as the blocks it is made of. */
import type { Profile } from '../../plan/layout/profile.ts';
import { recipeDigest } from '../../plan/layout/recipe.ts';
import type { Bundle } from '../../bundle/open-bundle.ts';
import { findKeptDigest, hashFile } from '../../bundle/keep-digest.ts';
import { type Digest, digestOf } from '../../ground/digest.ts';
import { BundleError, isBundleError } from '../../ground/errors.ts';
import { readFully } from '../../file/read-chunks.ts';
import type { VirtualFile } from '../../file/virtual-file.ts';
import type { XzCheck } from '../../format/xz/stream-flags.ts';
import { readXzStructure, type XzBlock } from '../../format/xz/xz-structure.ts';
import type { BaseBlock } from './plan-delta.ts';

export interface DeltaBase {
  /** What it is, for whoever applies the delta: a name, without a path. */
  readonly title: string;
  readonly size: number;
  readonly digest: Digest;
  /** Of its last bytes, which have the list of its blocks: by these it is told from others without reading all of it. */
  readonly tail: { readonly size: number; readonly digest: Digest };
  readonly blocks: readonly BaseBlock[];
  /** The recipe that makes it, where it is one of the cache's. */
  readonly recipe?: Digest;
  readonly makeup: BaseMakeup;
}

/** How its blocks were made, as far as that is known. */
export interface BaseMakeup {
  readonly check: XzCheck;
  /** Bytes of the content of each block. */
  readonly contentSizes: readonly number[];
  /** Where the recipe is known. */
  readonly profile?: Profile;
}

/** Holds the index of ten thousand blocks, and what the images' names are in. */
const largestTail = 64 * 1024;

export interface ReadBaseOptions {
  /** The path to name where it cannot be read; the title where left out. */
  readonly place?: string;
  readonly signal?: AbortSignal;
  /** Bytes read so far, and in all. */
  readonly onRead?: (done: number, total: number) => void;
}

/** `file`, a .xz file of any origin, as a base: all of it is read and hashed. Throws archive-unsupported, xz-*. */
export async function readBaseFile(
  file: VirtualFile,
  title: string,
  { place = title, signal, onRead }: ReadBaseOptions = {},
): Promise<DeltaBase> {
  const { streams } = await readXzStructure(file).catch((error: unknown) => {
    if (!isBundleError(error, 'xz-corrupt', 'xz-truncated', 'xz-unsupported')) throw error;
    const isNoBundle = error.code === 'xz-corrupt';
    throw new BundleError(
      isNoBundle ? 'archive-unsupported' : error.code,
      `Cannot take "${place}" as the base: ${error.message}`,
      {
        cause: error,
        hint:
          error.code === 'xz-truncated'
            ? 'Was it copied to its end? Where the bundle was made with this cache, its bundle.json is enough.'
            : 'A base is an images.tar.xz, a folder with one or with its parts, or a bundle that the cache knows.',
      },
    );
  });
  const blocks = streams.flatMap((stream) => stream.blocks);
  const ends = listEnds(blocks, file.size);
  const { whole, parts } = await hashFile(file, ends, {
    signal,
    onProgress: (done) => onRead?.(done, file.size),
  });
  const digests = new Map(ends.map((end, index) => [end, parts[index] ?? whole]));
  return {
    title,
    size: file.size,
    digest: whole,
    tail: await readTail(file),
    blocks: blocks.map(({ start, storedSize }) => ({
      start,
      size: storedSize,
      digest: digests.get(start + storedSize) ?? whole,
    })),
    makeup: {
      check: streams[0]?.check ?? 'none',
      contentSizes: blocks.map(({ uncompressedSize }) => uncompressedSize),
    },
  };
}

/** `bundle`, whose blocks are known, as a base. Nothing is read but its end, where its digest is kept. */
export async function readBaseBundle(
  { xz, recipe, assembled }: Pick<Bundle, 'xz' | 'recipe' | 'assembled'>,
  title: string,
  { signal, onRead }: ReadBaseOptions = {},
): Promise<DeltaBase> {
  const hash = (): Promise<Digest> =>
    hashFile(xz, [], {
      signal,
      onProgress: (done) => onRead?.(done, xz.size),
    }).then(({ whole }) => whole);
  return {
    title,
    size: xz.size,
    recipe: recipeDigest(recipe),
    digest: findKeptDigest(recipe) ?? (await hash()),
    tail: await readTail(xz),
    blocks: assembled.layout.extents.flatMap((extent) =>
      extent.kind === 'block'
        ? [{ start: extent.start, size: extent.length, digest: extent.record.digest }]
        : [],
    ),
    makeup: {
      check: recipe.profile.check,
      contentSizes: assembled.blocks.map(({ uncompressedSize }) => uncompressedSize),
      profile: recipe.profile,
    },
  };
}

/** Where blocks begin and end, rising, and the end of the file: each block is then one run of its own. */
function listEnds(blocks: readonly XzBlock[], size: number): number[] {
  const ends = new Set(blocks.flatMap(({ start, storedSize }) => [start, start + storedSize]));
  return [...ends.add(size)].filter((end) => end > 0).sort((a, b) => a - b);
}

async function readTail(file: VirtualFile): Promise<DeltaBase['tail']> {
  const bytes = Buffer.alloc(Math.min(largestTail, file.size));
  await readFully(file, bytes, file.size - bytes.length);
  return { size: bytes.length, digest: digestOf(bytes) };
}
