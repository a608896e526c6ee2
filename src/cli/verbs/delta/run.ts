/** What `bundlefs delta` does. */
import { basename } from 'node:path';
import { createDelta, type Delta } from '../../../product/delta/create-delta.ts';
import type { Bundle } from '../../../bundle/open-bundle.ts';
import type { DeltaBase } from '../../../product/delta/delta-base.ts';
import { explainLarge } from '../../../product/delta/explain-large.ts';
import { hexOf } from '../../../ground/digest.ts';
import { writeBundleFile, type WrittenFile } from '../../../place/file/write-bundle-file.ts';
import type { Selection } from '../../../request/resolve-selection.ts';
import type { BundleDescription } from '../../../bundle/description.ts';
import { checkOutput } from '../../../request/made/output.ts';
import { type BaseOptions, chooseBase } from '../../../request/made/base.ts';
import { openChosenCache, prepareChosenBundle } from '../../../request/made/bundle.ts';
import { formatCount, formatDuration, formatShare, formatSize } from '../../../ground/format-text.ts';
import { describeWritten } from '../../output/describe-written.ts';
import { printJson, printLines, warnLines } from '../../../ground/print.ts';
import type { PartOptions } from '../../../request/part-size.ts';
import { prepareStick } from '../../../request/made/stick.ts';
import { basePlaces, inputPlaces } from '../../../request/made/inputs.ts';
import { BundleError } from '../../../ground/errors.ts';
import { hasZstName } from '../../../request/bundle-format.ts';

/** Of the archive, what a delta may bring of it without a word: beyond that the full bundle is nearly as good. */
const largeShare = 0.5;

export interface DeltaOptions extends BaseOptions, PartOptions {
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
  const places = await inputPlaces(selection, options.from);
  await checkOutput(options.output, [...places, ...(await basePlaces(options.base))]);
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
  const warnings = listWarnings(delta, base, bundle, stick.description, written, options);
  warnLines(warnings.map((text) => `bundlefs: ${text}`));
  if (options.json === true)
    printJson({ ...toFields(delta, base, stick.description, written, seconds), warnings });
  else printLines(toText(delta, base, stick.description, written, seconds));
}

/** What is most likely not what was meant. */
function listWarnings(
  delta: Delta,
  base: DeltaBase,
  bundle: Bundle,
  { archive }: BundleDescription,
  { size }: WrittenFile,
  options: DeltaOptions,
): string[] {
  if (hexOf(base.digest) === archive.sha256) {
    const number = /^@(\d+)$/.exec(options.base[0] ?? '')?.[1];
    const before = number === undefined ? '' : ` The one before it is @${Number(number) + 1}.`;
    return [`the base is the new bundle already, so that this delta brings nothing new.${before}`];
  }
  if (delta.archiveSize <= archive.size * largeShare) return [];
  const why = explainLarge(base, bundle);
  return [
    `this delta is ${formatShare(size / archive.size)} of the whole bundle${why === undefined ? ': most of its blocks are new' : `, for ${why}`}`,
  ];
}

function toText(
  delta: Delta,
  base: DeltaBase,
  { archive }: BundleDescription,
  written: WrittenFile,
  seconds: number,
): string[] {
  const { path, size } = written;
  const { baseBlockCount, ownBlockCount } = delta;
  const blocks = `${ownBlockCount} of ${formatCount(baseBlockCount + ownBlockCount, 'block')} new`;
  const share = `${formatShare(size / archive.size)} of the full bundle's ${formatSize(archive.size)}`;
  return [
    `${describeWritten(written)}${formatSize(size)} (${blocks}), ${share}, in ${formatDuration(seconds)}`,
    `It continues ${base.title} (${formatSize(base.size)}, sha256 ${hexOf(base.digest).slice(0, 12)}). At the target: sh ${basename(path)} OLD`,
  ];
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
    share: Math.round((size / archive.size) * 1000) / 1000,
    parts,
    blocks: { base: delta.baseBlockCount, new: delta.ownBlockCount },
    bytes: { archive: delta.archiveSize, brought: delta.ownSize },
    steps: delta.stepCount,
    seconds: Math.round(seconds * 1000) / 1000,
  };
}

/** Throws invalid-argument for a name that promises zstd: a delta is a script with xz blocks behind it. */
export function checkDeltaName(output: string): void {
  if (!hasZstName(output)) return;
  throw new BundleError('invalid-argument', `Cannot write "${output}": a delta is no .zst file`, {
    hint: 'A delta continues an images.tar.xz, with its blocks. Name it otherwise, such as update.delta; a whole bundle in zstd is written by: bundlefs build -o images.tar.zst',
  });
}
