/** What `bundlefs mount` does. */
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cache } from '../blocks/cache.ts';
import { recipeDigest } from '../blocks/recipe.ts';
import type { PreparedBundle } from '../bundle/prepare-bundle.ts';
import { type Digest, digestOf, hexOf } from '../digest.ts';
import { BundleError, describeError } from '../errors.ts';
import { loadFuse } from '../mount/fuse-library.ts';
import { prepareMountPoint } from '../mount/mount-point.ts';
import { serveMount } from '../mount/serve-mount.ts';
import { startDaemon } from '../mount/start-daemon.ts';
import { createStick, type Stick } from '../stick/create-stick.ts';
import { summarizeBuild } from './build-summary.ts';
import { openChosenCache, prepareChosenBundle } from './chosen-bundle.ts';
import type { ImageOptions } from './image-options.ts';
import { describeImages } from './describe-images.ts';
import { chosenPartSize, type PartOptions } from './part-options.ts';
import { startProgress } from './progress.ts';
import { toolName } from './read-version.ts';
import { serveRecipe, type ServeRecipeOptions } from './serve-recipe.ts';

export interface MountOptions extends ImageOptions, PartOptions {
  readonly foreground?: boolean;
  readonly allowOther?: boolean;
  readonly json?: boolean;
}

/** Makes the bundle and mounts it, in the background or here, where it returns when the mount has ended. */
export async function runMount(
  names: readonly string[],
  mountPoint: string,
  options: MountOptions,
  signal: AbortSignal,
): Promise<void> {
  await loadFuse(); // what is missing should show before minutes of encoding
  const realPath = await prepareMountPoint(mountPoint, { signal });
  const cache = await openChosenCache(options);
  await using ready = await prepareToMount(names, options, cache, signal);
  const { recipe, report, summary } = ready;
  const text =
    options.json === true ? JSON.stringify({ mountPoint: realPath, ...report }) : `${realPath}: ${summary}`;
  const announce = (): boolean => process.stdout.write(`${text}\n`);
  const serve = { allowOther: options.allowOther === true, ...chosenPartSize(options), signal };
  if (options.foreground === true) await serveHere(cache, recipe, realPath, serve, announce);
  else await serveInBackground(cache, recipe, realPath, serve).then(announce);
}

/** Holds the bundle, so that it is whole still when the daemon opens it. */
interface ReadyToMount extends AsyncDisposable {
  readonly recipe: Digest;
  readonly report: object;
  readonly summary: string;
}

/** Makes and checks the bundle, and has its digest kept, so that a daemon needs nothing but the recipe. */
async function prepareToMount(
  names: readonly string[],
  options: MountOptions,
  cache: Cache,
  signal: AbortSignal,
): Promise<ReadyToMount> {
  const startMs = performance.now();
  await using bundle = await prepareChosenBundle(names, options, cache, signal, 'mount');
  const { images, statistics } = bundle;
  const { description } = await prepareStick(bundle, options, cache, signal);
  const recipe = recipeDigest(bundle.recipe);
  const lease = await cache.lease(recipe);
  const summary = await summarizeBuild(cache, bundle, (performance.now() - startMs) / 1000);
  return {
    recipe,
    [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose](),
    report: {
      images: describeImages(images),
      bundle: {
        name: description.archive.name,
        size: description.archive.size,
        sha256: description.archive.sha256,
      },
      parts: description.parts,
      blocks: {
        total: statistics.blockCount,
        reused: statistics.reusedBlockCount,
        encoded: statistics.encodedBlockCount,
      },
      bytes: { reused: statistics.reusedSize, encoded: statistics.encodedSize },
      ...summary.fields,
    },
    summary: summary.text,
  };
}

/** Has the digests of the stick's files computed and kept where they are not. */
async function prepareStick(
  bundle: PreparedBundle,
  options: MountOptions,
  cache: Cache,
  signal: AbortSignal,
): Promise<Stick> {
  using progress = startProgress({ label: 'hashing' });
  return await createStick(bundle, {
    cache,
    tool: toolName(),
    publishedMs: Date.now(),
    signal,
    ...chosenPartSize(options),
    onProgress: (done, total) => {
      progress.show(done, total);
    },
  });
}

async function serveHere(
  cache: Cache,
  recipe: Digest,
  mountPoint: string,
  options: ServeRecipeOptions,
  announce: () => boolean,
): Promise<void> {
  const served = await serveRecipe(cache, recipe, mountPoint, options);
  announce();
  await serveMount(served, { signal: options.signal });
  process.exit(0); // libfuse's threads would keep the process alive
}

async function serveInBackground(
  cache: Cache,
  recipe: Digest,
  mountPoint: string,
  { allowOther, maxPartSize, signal }: ServeRecipeOptions,
): Promise<void> {
  const script = fileURLToPath(new URL('./mount-daemon.js', import.meta.url));
  const logPath = await prepareLogPath(mountPoint);
  const args = [cache.path, recipe, mountPoint, allowOther ? '1' : '0', String(maxPartSize ?? '')];
  await startDaemon(script, args, { logPath, signal });
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
