/** What `bundlefs delta` does. */
import { createDelta, type Delta } from '../delta/create-delta.ts';
import type { DeltaBase } from '../delta/delta-base.ts';
import { hexOf } from '../digest.ts';
import { writeBundleFile, type WrittenFile } from '../outputs/write-bundle-file.ts';
import type { Selection } from '../selection/resolve-selection.ts';
import type { BundleDescription } from '../stick/bundle-description.ts';
import { checkDeltaName } from './check-delta-name.ts';
import { checkOutput } from './check-output.ts';
import { chooseBase } from './choose-base.ts';
import { openChosenCache, prepareChosenBundle } from './chosen-bundle.ts';
import { formatCount, formatDuration, formatShare, formatSize } from '../format-text.ts';
import type { ImageOptions } from './image-options.ts';
import type { PartOptions } from './part-options.ts';
import { prepareStick } from './prepare-stick.ts';
import { sourceFiles } from './source-files.ts';

export interface DeltaOptions extends ImageOptions, PartOptions {
  readonly base: readonly string[];
  readonly output: string;
  readonly archiveOnly?: boolean;
  readonly json?: boolean;
}

/** Makes the new bundle, writes what the base lacks of it to `options.output`, and prints what that is. */
export async function runDelta(
  selection: Selection,
  options: DeltaOptions,
  signal: AbortSignal,
): Promise<void> {
  const startMs = performance.now();
  checkDeltaName(options.output);
  await checkOutput(options.output, [...sourceFiles(options.from), ...options.base]);
  const cache = await openChosenCache(options);
  const base = await chooseBase(options.base, options, cache, signal);
  await using bundle = await prepareChosenBundle(selection, options, cache, signal, 'delta');
  const stick = await prepareStick(bundle, options, cache, signal);
  const delta = await createDelta(bundle, stick, base, {
    isArchiveOnly: options.archiveOnly === true,
    signal,
  });
  const written = await writeBundleFile(delta.file, options.output, { signal });
  const seconds = (performance.now() - startMs) / 1000;
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify(toFields(delta, base, stick.description, written, seconds))}\n`
      : toText(delta, base, stick.description, written, seconds),
  );
}

function toText(
  delta: Delta,
  base: DeltaBase,
  { archive }: BundleDescription,
  { path, size, isNew }: WrittenFile,
  seconds: number,
): string {
  const { baseBlockCount, ownBlockCount } = delta;
  const blocks = `${ownBlockCount} of ${formatCount(baseBlockCount + ownBlockCount, 'block')} new`;
  const share = `${formatShare(size / archive.size)} of the full bundle's ${formatSize(archive.size)}`;
  return `${path}: ${isNew ? '' : 'unchanged, '}${formatSize(size)} (${blocks}), ${share}, in ${formatDuration(seconds)}
It continues ${base.title} (${formatSize(base.size)}, sha256 ${hexOf(base.digest).slice(0, 12)}). At the target: sh ${path.replace(/^.*\//, '')} OLD
`;
}

function toFields(
  delta: Delta,
  base: DeltaBase,
  { archive, parts }: BundleDescription,
  { path, size, digest, isNew }: WrittenFile,
  seconds: number,
): object {
  return {
    delta: { path, size, sha256: hexOf(digest), isNew },
    base: { title: base.title, size: base.size, sha256: hexOf(base.digest) },
    bundle: { name: archive.name, size: archive.size, sha256: archive.sha256 },
    parts,
    blocks: { base: delta.baseBlockCount, new: delta.ownBlockCount },
    bytes: { archive: delta.archiveSize, brought: delta.ownSize },
    steps: delta.stepCount,
    seconds: Math.round(seconds * 1000) / 1000,
  };
}
