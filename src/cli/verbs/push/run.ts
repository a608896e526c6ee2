/** What `bundlefs push` does. */
import { listBundleBlobs } from '../../../bundle/bundle-parts.ts';
import { BundleError } from '../../../ground/errors.ts';
import { type PushedImage, pushImages } from '../../../place/registry/push-images.ts';
import { parsePushPlace, type PushPlace } from '../../../place/registry/push-targets.ts';
import { printJson, printLines } from '../../../ground/print.ts';
import { findPlace } from '../../../place/place.ts';
import type { Selection } from '../../../request/resolve-selection.ts';
import { openChosenCache, prepareChosenBundle } from '../../../request/made/bundle.ts';
import { formatSize, formatTable } from '../../../ground/format-text.ts';
import type { Settings } from '../../../request/settings.ts';
import { startProgress } from '../../../request/made/progress.ts';

export interface PushOptions extends Settings {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** The last of `args` is where to push to, the others are images. Throws invalid-argument, invalid-reference. */
export function choosePushPlace(args: readonly string[]): {
  readonly images: string[];
  readonly place: PushPlace;
} {
  const images = args.slice(0, -1);
  const last = args.at(-1) ?? '';
  const misplaced = images.find(isRegistry);
  if (isRegistry(last) && misplaced === undefined) return { images, place: parsePushPlace(last) };
  throw new BundleError(
    'invalid-argument',
    misplaced === undefined
      ? `Cannot push to "${last}": a registry was expected last`
      : `Cannot push "${misplaced}": names of images were expected, and one registry behind them`,
    { hint: 'For example bundlefs push shop/web:1 docker://registry.example:5000' },
  );
}

function isRegistry(text: string): boolean {
  return findPlace(text)?.kind === 'registry';
}

/** Makes the bundle, pushes its images from its blocks and prints what became of each. */
export async function runPush(
  selection: Selection,
  place: PushPlace,
  options: PushOptions,
  signal: AbortSignal,
): Promise<void> {
  const cache = await openChosenCache(options);
  await using bundle = await prepareChosenBundle(selection, options, cache, signal, 'push');
  using progress = startProgress({ label: 'pushing' });
  const images = await pushImages(bundle.images, place, listBundleBlobs(bundle), {
    isDryRun: options.dryRun === true,
    signal,
    onProgress: (done, total) => {
      progress.show(done, total);
    },
  });
  progress[Symbol.dispose]();
  const totals = sumBlobs(images);
  const isDryRun = options.dryRun === true;
  if (options.json === true) printJson({ images, bytes: totals, isDryRun });
  else printLines(toText(images, totals, isDryRun));
}

/** Bytes. */
interface Totals {
  readonly sent: number;
  readonly mounted: number;
  readonly alreadyThere: number;
}

function sumBlobs(images: readonly PushedImage[]): Totals {
  const sum = (status: string): number =>
    images
      .flatMap(({ blobs }) => blobs)
      .filter((blob) => blob.status === status)
      .reduce((total, { size }) => total + size, 0);
  return { sent: sum('sent'), mounted: sum('mounted'), alreadyThere: sum('already there') };
}

function toText(images: readonly PushedImage[], totals: Totals, isDryRun: boolean): string[] {
  const table = formatTable(
    ['image', 'manifest', ''],
    images.map(({ name, digest, status }) => [name, digest.slice(7, 19), status]),
  );
  const verb = isDryRun ? 'would be sent' : 'sent';
  const mounted =
    totals.mounted > 0 ? [`${formatSize(totals.mounted)} taken from other repositories there`] : [];
  const there = totals.alreadyThere > 0 ? [`${formatSize(totals.alreadyThere)} were there`] : [];
  return [...table, [`${formatSize(totals.sent)} ${verb}`, ...mounted, ...there].join(', ')];
}
