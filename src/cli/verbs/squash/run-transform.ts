/** What verbs do that make one image of another: read it, make the new one, hand that out, and say what it is. */
import type { RecordedBundle } from '../../../bundle/record-build.ts';
import { type DiffId, hexOf } from '../../../ground/digest.ts';
import { BundleError } from '../../../ground/errors.ts';
import type { Selection } from '../../../request/resolve-selection.ts';
import type { Outcome } from '../../../transforms/apply-transforms.ts';
import type { Transform } from '../../../transforms/transform.ts';
import { summarizeBuild } from '../../../request/made/build-summary.ts';
import { checkOutput } from '../../../request/made/output.ts';
import { prepareArchive } from '../../../request/made/archive.ts';
import { openChosenCache, prepareChosenBundle } from '../../../request/made/bundle.ts';
import { describeImages } from '../../../image/image.ts';
import { describeWritten } from '../../output/describe-written.ts';
import { printJson, printLines } from '../../../ground/print.ts';
import { chooseFormat, type FormatOptions } from '../../../request/bundle-format.ts';
import type { Settings } from '../../../request/settings.ts';
import { writeWithProgress } from '../build/run.ts';
import { loadedToText, loadWithProgress } from '../load/run.ts';
import { inputPlaces } from '../../../request/made/inputs.ts';

export interface ResultOptions extends Settings, FormatOptions {
  readonly tag?: string;
  readonly output?: string;
  readonly into?: string;
  readonly json?: boolean;
}

/** The layer that was made. */
export interface NewLayer {
  readonly diffId: DiffId;
  /** Bytes of its tar. */
  readonly size: number;
  /** Bytes of its blocks. */
  readonly storedSize: number;
}

/** How a verb says what it made: in words, and as fields of its JSON. */
export type DescribeOutcome = (
  outcome: Outcome,
  layer: NewLayer,
) => { readonly text: string; readonly fields: Readonly<Record<string, unknown>> };

/** Makes the image that `transform` makes, and writes or loads a bundle with nothing else. Throws invalid-argument. */
export async function runTransform(
  selection: Selection,
  options: ResultOptions,
  transform: Transform,
  describe: DescribeOutcome,
  signal: AbortSignal,
): Promise<void> {
  const startMs = performance.now();
  if (options.output === undefined && options.into === undefined) throw nowhere(transform);
  const format = chooseFormat(options, options.output);
  if (options.output !== undefined)
    await checkOutput(options.output, await inputPlaces(selection, options.from, [transform]));
  const cache = await openChosenCache(options);
  const outcomes: Outcome[] = [];
  const own = { ...selection, tagAs: [] }; // -t says how it is called
  await using bundle = await prepareChosenBundle(own, options, cache, signal, transform.kind, {
    transforms: [transform],
    onOutcome: (outcome) => outcomes.push(outcome),
  });
  const outcome = getOutcome(outcomes);
  const { text, fields } = describe(outcome, findNewLayer(bundle, outcome));
  if (options.output !== undefined) {
    const archive = await prepareArchive(own, bundle, cache, format, { signal });
    const written = await writeWithProgress(bundle, archive, options.output, cache, signal);
    const seconds = (performance.now() - startMs) / 1000;
    const summary = await summarizeBuild(cache, bundle, seconds, archive.frames);
    const { path, size, digest, isNew } = written;
    const report = { ...fields, bundle: { path, size, sha256: hexOf(digest), isNew }, seconds };
    print(options, bundle, report, [text, `${describeWritten(written)}${summary.text}`]);
  } else {
    const loaded = await loadWithProgress(bundle, options.into, signal);
    const seconds = (performance.now() - startMs) / 1000;
    print(options, bundle, { ...fields, loaded, seconds }, [text, ...loadedToText(loaded)]);
  }
}

function print(
  { json }: ResultOptions,
  { images }: RecordedBundle,
  report: Readonly<Record<string, unknown>> & { readonly seconds: number },
  lines: readonly string[],
): void {
  const seconds = Math.round(report.seconds * 1000) / 1000;
  const [image] = describeImages(images);
  if (json === true) printJson({ image, ...report, seconds });
  else printLines(lines);
}

/** One image was asked for; of an id, or a name, there is one. */
function getOutcome([outcome]: readonly Outcome[]): Outcome {
  if (outcome === undefined) throw new RangeError('Nothing was made, and nothing was thrown');
  return outcome;
}

function findNewLayer({ assembled }: RecordedBundle, { after }: Outcome): NewLayer {
  const diffId = after.layers.at(-1);
  const layer = assembled.layers.find((one) => one.diffId === diffId);
  if (layer === undefined) throw new RangeError('The new image has no layer');
  return layer;
}

/** Throws invalid-argument where `selection` may be several images, for these verbs are about one. */
export function checkOneImage({ patterns }: Selection, verb: Transform['kind']): void {
  const pattern = patterns.find(({ kind }) => kind === 'pattern');
  if (pattern === undefined) return;
  throw new BundleError(
    'invalid-argument',
    `Cannot ${verb} "${pattern.text}": one image was expected, not a pattern`,
    { hint: 'Several images are made in one go by "transforms" in bundlefs.yaml: docs/transforms.md.' },
  );
}

function nowhere({ kind }: Transform): BundleError {
  return new BundleError('invalid-argument', `Cannot ${kind}: nothing says where the new image goes`, {
    hint: `Name a file with -o FILE, or an engine with --into docker${kind === 'thin' ? '; --dry-run only says what it would save' : ''}.`,
  });
}
