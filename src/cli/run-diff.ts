/** What `bundlefs diff` does. */
import { cachePath, findCache } from '../blocks/cache.ts';
import { type BundleDiff, diffBundles } from '../explain/diff-bundles.ts';
import { openComparand, type OpenComparandOptions } from '../explain/open-comparand.ts';
import { diffToJson } from './diff-to-json.ts';
import { diffToText } from './diff-to-text.ts';
import { startProgress } from './progress.ts';

export interface DiffOptions {
  readonly cache?: string;
  readonly files?: boolean;
  readonly top: number;
  readonly json?: boolean;
  readonly exitCode?: boolean;
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
  const diff = await compareWithProgress(before, after, options, signal);
  process.stdout.write(
    options.json === true ? `${JSON.stringify(diffToJson(diff))}\n` : diffToText(diff, options.top),
  );
  const isSame = diff.images.every(({ change }) => change.kind === 'same');
  if (options.exitCode === true && !isSame) process.exitCode = differentStatus;
}

async function compareWithProgress(
  before: string,
  after: string,
  options: DiffOptions,
  signal: AbortSignal,
): Promise<BundleDiff> {
  using progress = startProgress({ label: 'comparing' });
  const open: OpenComparandOptions = {
    openCache: () => findCache(cachePath(options.cache, process.env)),
    signal,
    onRead: (done, total) => {
      progress.show(done, total);
    },
  };
  await using a = await openComparand(before, open);
  await using b = await openComparand(after, open);
  return await diffBundles(a, b, {
    files: options.files === true,
    signal,
    onRead: (done) => {
      progress.show(done, undefined);
    },
  });
}
