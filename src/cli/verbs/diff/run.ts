/** What `bundlefs diff` does. */
import { findCache } from '../../../cache/cache.ts';
import { BundleError } from '../../../ground/errors.ts';
import { type BundleDiff, diffBundles } from '../../../inspect/diff-bundles.ts';
import {
  type Comparand,
  openComparand,
  type OpenComparandOptions,
} from '../../../inspect/find/open-comparand.ts';
import { printJson, printLines } from '../../../ground/print.ts';
import type { BundleDescription } from '../../../bundle/description.ts';
import { compareParts, type PartComparison } from '../../../product/stick/compare-parts.ts';
import { type CacheChoice, chooseCache } from '../../../request/made/cache.ts';
import { diffToJson } from './json.ts';
import { diffToText, partsToText } from './text.ts';
import { startProgress } from '../../../request/made/progress.ts';

export interface DiffOptions extends CacheChoice {
  readonly files?: boolean;
  readonly top: number;
  readonly json?: boolean;
  readonly exitCode?: boolean;
  readonly media?: boolean;
}

/** Of `--exit-code`, where there is a difference. No error code has it. */
const differentStatus = 10;

/** Compares the two and prints in what they differ. */
export async function runDiff(
  before: string,
  after: string,
  options: DiffOptions,
  signal: AbortSignal,
): Promise<void> {
  const { diff, parts } = await compareWithProgress(before, after, options, signal);
  if (options.json === true) printJson({ ...diffToJson(diff), media: parts });
  else
    printLines([
      ...diffToText(diff, options.top),
      ...(parts === undefined ? [] : ['', ...partsToText(parts)]),
    ]);
  const isSame = diff.images.every(({ change }) => change.kind === 'same');
  if (options.exitCode === true && !isSame) process.exitCode = differentStatus;
}

async function compareWithProgress(
  before: string,
  after: string,
  options: DiffOptions,
  signal: AbortSignal,
): Promise<{ readonly diff: BundleDiff; readonly parts: PartComparison | undefined }> {
  using progress = startProgress({ label: 'comparing' });
  const open: OpenComparandOptions = {
    openCache: async () => findCache((await chooseCache(options)).path),
    signal,
    onRead: (done, total) => {
      progress.show(done, total);
    },
  };
  await using a = await openComparand(before, open);
  await using b = await openComparand(after, open);
  const parts = options.media === true ? compareMedia(a, b) : undefined;
  const diff = await diffBundles(a, b, {
    files: options.files === true,
    signal,
    onRead: (done) => {
      progress.show(done, undefined);
    },
  });
  return { diff, parts };
}

/** Parts are known by the digests in bundle.json. */
function compareMedia(before: Comparand, after: Comparand): PartComparison {
  const describe = ({ contents, description }: Comparand): BundleDescription => {
    if (description !== undefined) return description;
    throw new BundleError(
      'invalid-argument',
      `Cannot compare the parts of "${contents.label}": there is no bundle.json`,
      { hint: '--media takes two folders or mounts with a bundle.json, or two of these files.' },
    );
  };
  return compareParts(describe(before), describe(after));
}
