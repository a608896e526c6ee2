/** What `bundlefs build` does. */
import type { PreparedBundle } from '../../../bundle/prepare-bundle.ts';
import { hexOf } from '../../../ground/digest.ts';
import type { WrittenFile } from '../../../place/file/write-bundle-file.ts';
import { type BuildSummary, summarizeBuild } from '../../../request/made/build-summary.ts';
import type { Selection } from '../../../request/resolve-selection.ts';
import { openChosenCache, prepareChosenBundle } from '../../../request/made/bundle.ts';
import { prepareArchive, writeArchive } from '../../../request/made/archive.ts';
import type { Settings } from '../../../request/settings.ts';
import { checkOutput } from '../../../request/made/output.ts';
import { chooseFormat, type FormatOptions } from '../../../request/bundle-format.ts';
import { inputPlaces } from '../../../request/made/inputs.ts';
import { describeImages } from '../../../image/image.ts';
import { describeWritten } from '../../output/describe-written.ts';
import { printJson, printLines } from '../../../ground/print.ts';

export interface BuildOptions extends Settings, FormatOptions {
  readonly output: string;
  readonly json?: boolean;
}

/** Makes the bundle, writes it to `options.output` and prints what it is. */
export async function runBuild(
  selection: Selection,
  options: BuildOptions,
  signal: AbortSignal,
): Promise<void> {
  const startMs = performance.now();
  const format = chooseFormat(options, options.output);
  await checkOutput(options.output, await inputPlaces(selection, options.from));
  const cache = await openChosenCache(options);
  await using bundle = await prepareChosenBundle(selection, options, cache, signal, 'build');
  const archive = await prepareArchive(selection, bundle, cache, format, { signal });
  const written = await writeArchive(bundle, archive, options.output, cache, signal);
  const seconds = (performance.now() - startMs) / 1000;
  const { text, fields } = await summarizeBuild(cache, bundle, seconds, archive.frames);
  if (options.json === true) printJson(toJson(bundle, written, seconds, fields));
  else printLines([`${describeWritten(written)}${text}`]);
}

function toJson(
  bundle: PreparedBundle,
  written: WrittenFile,
  seconds: number,
  fields: BuildSummary['fields'],
): object {
  const { statistics } = bundle;
  return {
    images: describeImages(bundle.images),
    bundle: {
      path: written.path,
      size: written.size,
      sha256: hexOf(written.digest),
      isNew: written.isNew,
    },
    blocks: {
      total: statistics.blockCount,
      reused: statistics.reusedBlockCount,
      encoded: statistics.encodedBlockCount,
    },
    bytes: {
      uncompressed: statistics.uncompressedSize,
      reused: statistics.reusedSize,
      encoded: statistics.encodedSize,
      written: written.isNew ? written.size : 0,
    },
    seconds: Math.round(seconds * 1000) / 1000,
    ...fields,
  };
}
