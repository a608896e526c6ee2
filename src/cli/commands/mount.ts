/** `bundlefs mount`: a folder to copy the bundle from. */
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { Cache } from '../../blocks/cache.ts';
import { recipeDigest } from '../../blocks/recipe.ts';
import { type Digest, digestOf, findDigestOfHex, hexOf } from '../../digest.ts';
import { BundleError } from '../../errors.ts';
import { bundleFileName } from '../bundle-files.ts';
import { describeImages } from '../describe-images.ts';
import { formatCount, formatSize } from '../format-text.ts';
import {
  addImageOptions,
  type ImageOptions,
  openChosenCache,
  prepareChosenBundle,
} from '../image-options.ts';
import { startProgress } from '../progress.ts';

interface MountOptions extends ImageOptions {
  readonly foreground?: boolean;
  readonly allowOther?: boolean;
  readonly json?: boolean;
}

export function addMountCommand(program: Command, signal: AbortSignal): void {
  addImageOptions(
    program
      .command('mount')
      .description(
        'show the bundle of these images in a folder, to be copied from there; returns when it is ready',
      )
      .usage('[options] [images...] <mount-point>')
      .argument('<images-and-mount-point...>', 'image names, and last the empty folder to mount at'),
  )
    .option('--foreground', 'serve it in this process until it is unmounted or stopped')
    .option('--allow-other', 'let other users read it too (root, for one, when an ordinary user mounts)')
    .option('--json', 'print one JSON object on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  bundlefs mount shop/web:1 shop/api:1 /mnt/bundle && cp /mnt/bundle/* /media/usb/\n  bundlefs mount --from images.tar /mnt/bundle',
    )
    .action((args: string[], options: MountOptions) =>
      mount(args.slice(0, -1), args.at(-1) ?? '', options, signal),
    );
}

async function mount(
  names: readonly string[],
  mountPoint: string,
  options: MountOptions,
  signal: AbortSignal,
): Promise<void> {
  const { prepareMountPoint } = await import('../../mount/mount-point.ts');
  const realPath = await prepareMountPoint(mountPoint, { signal });
  const cache = await openChosenCache(options);
  const { recipe, report, summary } = await prepareToMount(names, options, cache, signal);
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
  names: readonly string[],
  options: MountOptions,
  cache: Cache,
  signal: AbortSignal,
): Promise<ReadyToMount> {
  await using bundle = await prepareChosenBundle(names, options, cache, signal);
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
  const { hashFile, keepDigest } = await import('../../bundle/keep-digest.ts');
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
  const [{ serveRecipe }, { serveMount }] = await Promise.all([
    import('../serve-recipe.ts'),
    import('../../mount/serve-mount.ts'),
  ]);
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
  const { startDaemon } = await import('../../mount/start-daemon.ts');
  const script = fileURLToPath(new URL('../mount-daemon.js', import.meta.url));
  const logPath = await prepareLogPath(mountPoint);
  await startDaemon(script, [cache.path, recipe, mountPoint, allowOther ? '1' : '0'], { logPath, signal });
}

/** One log for each mount point, in the XDG state home (basedir-spec, $XDG_STATE_HOME). */
async function prepareLogPath(mountPoint: string): Promise<string> {
  const home = process.env['XDG_STATE_HOME'];
  const folder = join(home?.startsWith('/') === true ? home : join(homedir(), '.local/state'), 'bundlefs');
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new BundleError('mount-failed', `Cannot make the folder "${folder}" for the log of the mount`, {
      cause: error,
      hint: 'Name a folder that this user can write to in XDG_STATE_HOME, or use --foreground.',
    });
  }
  return join(folder, `mount-${hexOf(digestOf(Buffer.from(mountPoint))).slice(0, 12)}.log`);
}
