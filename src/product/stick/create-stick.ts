/** The stick: the list of files that a customer gets, whether a mount shows it or a copy writes it. */
import type { Cache } from '../../cache/cache.ts';
import {
  findKeptDigest,
  findKeptPartDigests,
  finishedTimeMs,
  hashFile,
  keepDigest,
} from '../../bundle/keep-digest.ts';
import type { Bundle } from '../../bundle/open-bundle.ts';
import { type Digest, digestOf, hexOf } from '../../ground/digest.ts';
import type { StoredFile } from '../../file/stored-file.ts';
import { type BundleDescription, encodeBundleDescription } from '../../bundle/description.ts';
import { describeBundle } from './describe-bundle.ts';
import { renderPage } from './page/render-page.ts';
import { descriptionName, pageName, sumsName } from '../../bundle/file-names.ts';
import { readScripts } from './read-scripts.ts';
import { splitBundle, type SplitBundle } from './split-bundle.ts';

export interface StickFile {
  readonly name: string;
  /** Permission bits. */
  readonly mode: number;
  readonly mtimeMs: number;
  readonly size: number;
  readonly digest: Digest;
  readonly content:
    | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
    /** Belongs to the bundle, and is closed with it. */
    | { readonly kind: 'extents'; readonly file: StoredFile };
}

export interface Stick {
  /** In the order in which they are listed and copied: the archive or its parts first, SHA256SUMS, the small files. */
  readonly files: readonly StickFile[];
  /** What bundle.json says. To be given as `previous` for the next generation. */
  readonly description: BundleDescription;
}

export interface CreateStickOptions {
  /** Keeps the recipe of the bundle, and with it the digests that are computed here. */
  readonly cache: Cache;
  /** Name and version of the program. */
  readonly tool: string;
  /** The modification time of the small files. They change with the program and with `previous`, the archive does not. */
  readonly publishedMs: number;
  /** The most bytes that a part of the archive may have; whole where absent. */
  readonly maxPartSize?: number;
  /** What the page compares this bundle with. */
  readonly previous?: BundleDescription;
  /** More files for the folder, made from what the stick is without them; their sums stand in SHA256SUMS, too. */
  readonly addFiles?: (stick: Stick) => Promise<readonly StickFile[]>;
  readonly signal?: AbortSignal;
  /** Told while digests that are not kept yet are computed, which reads the whole archive. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * The files of the stick of `bundle`, which must stay open for as long as they are read. Where the digests are kept with
 * the recipe, nothing of the archive is read. Throws invalid-argument (see splitBundle) and what reading and the cache throw.
 */
export async function createStick(bundle: Bundle, options: CreateStickOptions): Promise<Stick> {
  const scripts = await readScripts();
  const split = splitBundle(bundle, options.maxPartSize);
  const { createdMs, digest, partDigests } = await getDigests(bundle, split, options);
  const archive = split.parts.map(({ name, file }, index): StickFile => {
    const content = { kind: 'extents', file } as const;
    return {
      name,
      mode: 0o444,
      mtimeMs: createdMs,
      size: file.size,
      digest: partDigests[index] ?? digest,
      content,
    };
  });
  const description = describeBundle(bundle, {
    tool: options.tool,
    createdMs,
    digest,
    parts: archive.map(({ name, size, digest: of }) => ({ name, size, sha256: hexOf(of) })),
  });
  const toFile = (name: string, bytes: Uint8Array, mode = 0o444): StickFile => {
    const content = { kind: 'bytes', bytes } as const;
    return { name, mode, mtimeMs: options.publishedMs, size: bytes.length, digest: digestOf(bytes), content };
  };
  const page = renderPage({ description, images: bundle.images, previous: options.previous });
  const small = [
    ...scripts.map(({ name, bytes }) => toFile(name, bytes, 0o555)),
    toFile(descriptionName, encodeBundleDescription(description)),
    toFile(pageName, Buffer.from(page)),
  ];
  const list = (added: readonly StickFile[] = []): Stick => {
    const sums = toFile(sumsName, encodeSums([...archive, ...small, ...added]));
    return { files: [...archive, sums, ...small, ...added], description };
  };
  const stick = list();
  return options.addFiles === undefined ? stick : list(await options.addFiles(stick));
}

interface StickDigests {
  readonly createdMs: number;
  readonly digest: Digest;
  readonly partDigests: readonly Digest[];
}

/** The digests of the archive and its parts: kept ones, or computed in one pass and kept. */
async function getDigests(
  { xz, recipe }: Bundle,
  { cutName, parts }: SplitBundle,
  { cache, signal, onProgress }: CreateStickOptions,
): Promise<StickDigests> {
  const digest = findKeptDigest(recipe);
  const partDigests =
    cutName === undefined ? digest && [digest] : findKeptPartDigests(recipe, cutName, parts.length);
  if (digest !== undefined && partDigests !== undefined) {
    return { createdMs: await finishedTimeMs(cache, recipe), digest, partDigests };
  }
  const ends = cutName === undefined ? [] : parts.map(({ end }) => end);
  const hashed = await hashFile(xz, ends, {
    signal,
    onProgress: (done) => onProgress?.(done, xz.size),
  });
  const kept = await keepDigest(cache, recipe, {
    size: xz.size,
    digest: hashed.whole,
    ...(cutName !== undefined && { parts: { cutName, digests: hashed.parts } }),
  });
  return {
    createdMs: await finishedTimeMs(cache, kept),
    digest: hashed.whole,
    partDigests: cutName === undefined ? [hashed.whole] : hashed.parts,
  };
}

/** As coreutils' sha256sum writes it, and reads with `-c`. */
function encodeSums(files: readonly Pick<StickFile, 'name' | 'digest'>[]): Uint8Array {
  return Buffer.from(files.map(({ name, digest }) => `${hexOf(digest)}  ${name}\n`).join(''));
}
