/** What `bundlefs mount` does. */
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cache } from '../blocks/cache.ts';
import { recipeDigest } from '../blocks/recipe.ts';
import { hashFile, keepDigest } from '../bundle/keep-digest.ts';
import { type Digest, digestOf, findDigestOfHex, hexOf } from '../digest.ts';
import { BundleError, describeError } from '../errors.ts';
import { loadFuse } from '../mount/fuse-library.ts';
import { prepareMountPoint } from '../mount/mount-point.ts';
import { serveMount } from '../mount/serve-mount.ts';
import { startDaemon } from '../mount/start-daemon.ts';
import type { Selection } from '../selection/resolve-selection.ts';
import { bundleFileName } from './bundle-files.ts';
import { openChosenCache, prepareChosenBundle } from './chosen-bundle.ts';
import type { ImageOptions } from './image-options.ts';
import { describeImages } from './describe-images.ts';
import { formatCount, formatSize } from './format-text.ts';
import { startProgress } from './progress.ts';
import { serveRecipe } from './serve-recipe.ts';

export interface MountOptions extends ImageOptions {
  readonly foreground?: boolean;
  readonly allowOther?: boolean;
  readonly json?: boolean;
}

/** Makes the bundle and mounts it, in the background or here, where it returns when the mount has ended. */
export async function runMount(
  selection: Selection,
  mountPoint: string,
  options: MountOptions,
  signal: AbortSignal,
): Promise<void> {
  await loadFuse(); // what is missing should show before minutes of encoding
  const realPath = await prepareMountPoint(mountPoint, { signal });
  const cache = await openChosenCache(options);
  const { recipe, report, summary } = await prepareToMount(selection, options, cache, signal);
  const text =
    options.json === true ? JSON.stringify({ mountPoint: realPath, ...report }) : `${realPath}: ${summary}`;
  const announce = (): boolean => process.stdout.write(`${text}\n`);
  const allowOther = options.allowOther === true;
  if (options.foreground === true) await serveHere(cache, recipe, realPath, allowOther, signal, announce);
  else await serveInBackground(cache, recipe, realPath, allowOther, signal).then(announce);
}

interface ReadyToMount {
  readonly recipe: Digest;
  readonly report: object;
  readonly summary: string;
}

/** Makes and checks the bundle, and has its digest kept, so that a daemon needs nothing but the recipe. */
async function prepareToMount(
  selection: Selection,
  options: MountOptions,
  cache: Cache,
  signal: AbortSignal,
): Promise<ReadyToMount> {
  await using bundle = await prepareChosenBundle(selection, options, cache, signal);
  const { images, statistics, xz } = bundle;
  const digest = await getBundleDigest(bundle, cache, signal);
  return {
    recipe: recipeDigest(bundle.recipe),
    report: {
      images: describeImages(images),
      bundle: { name: bundleFileName, size: xz.size, sha256: hexOf(digest) },
      blocks: {
        total: statistics.blockCount,
        reused: statistics.reusedBlockCount,
        encoded: statistics.encodedBlockCount,
      },
    },
    summary: `${formatCount(images.length, 'image')}, ${formatSize(xz.size)} (${formatSize(statistics.encodedSize)} newly encoded)`,
  };
}

async function getBundleDigest(
  { recipe, xz }: Awaited<ReturnType<typeof prepareChosenBundle>>,
  cache: Cache,
  signal: AbortSignal,
): Promise<Digest> {
  const known = recipe.bundle && findDigestOfHex(recipe.bundle.sha256);
  if (known !== undefined) return known;
  using progress = startProgress({ label: 'hashing' });
  const digest = await hashFile(xz, {
    signal,
    onProgress: (done) => {
      progress.show(done, xz.size);
    },
  });
  await keepDigest(cache, recipe, { size: xz.size, digest });
  return digest;
}

async function serveHere(
  cache: Cache,
  recipe: Digest,
  mountPoint: string,
  allowOther: boolean,
  signal: AbortSignal,
  announce: () => boolean,
): Promise<void> {
  const served = await serveRecipe(cache, recipe, mountPoint, { allowOther, signal });
  announce();
  await serveMount(served, { signal });
  process.exit(0); // libfuse's threads would keep the process alive
}

async function serveInBackground(
  cache: Cache,
  recipe: Digest,
  mountPoint: string,
  allowOther: boolean,
  signal: AbortSignal,
): Promise<void> {
  const script = fileURLToPath(new URL('./mount-daemon.js', import.meta.url));
  const logPath = await prepareLogPath(mountPoint);
  await startDaemon(script, [cache.path, recipe, mountPoint, allowOther ? '1' : '0'], { logPath, signal });
}

/** One log for each mount point, in the XDG state home (basedir-spec, $XDG_STATE_HOME). */
async function prepareLogPath(mountPoint: string): Promise<string> {
  const state = process.env['XDG_STATE_HOME'];
  try {
    const folder = join(
      state?.startsWith('/') === true ? state : join(homedir(), '.local/state'),
      'bundlefs',
    );
    await mkdir(folder, { recursive: true });
    return join(folder, `mount-${hexOf(digestOf(Buffer.from(mountPoint))).slice(0, 12)}.log`);
  } catch (error) {
    throw new BundleError(
      'mount-failed',
      `Cannot make a folder for the log of the mount: ${describeError(error)}`,
      {
        cause: error,
        hint: 'Name a folder that this user can write to in XDG_STATE_HOME, or use --foreground.',
      },
    );
  }
}
