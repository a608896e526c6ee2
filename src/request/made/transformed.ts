/** One image made of another, as the options of a verb want it: read, made, and written to a file or loaded into an engine. */
import type { RecordedBundle } from '../../bundle/record-build.ts';
import type { DiffId } from '../../ground/digest.ts';
import { BundleError } from '../../ground/errors.ts';
import { type ImageDescription, describeImages } from '../../image/image.ts';
import type { LoadedImage } from '../../place/engine/load-into-engine.ts';
import type { WrittenFile } from '../../place/file/write-bundle-file.ts';
import type { Outcome } from '../../transforms/apply-transforms.ts';
import type { Transform } from '../../transforms/transform.ts';
import { chooseFormat, type FormatOptions } from '../bundle-format.ts';
import type { Selection } from '../resolve-selection.ts';
import type { Settings } from '../settings.ts';
import { prepareArchive, writeArchive } from './archive.ts';
import { type BuildSummary, summarizeBuild } from './build-summary.ts';
import { openChosenCache, prepareChosenBundle } from './bundle.ts';
import { inputPlaces } from './inputs.ts';
import { loadBundle } from './loaded.ts';
import { checkOutput } from './output.ts';

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

/** The image that was made, and where it went. */
export interface Transformed {
  readonly image: ImageDescription | undefined;
  readonly outcome: Outcome;
  readonly layer: NewLayer;
  readonly seconds: number;
  readonly result:
    | { readonly written: WrittenFile; readonly summary: BuildSummary }
    | { readonly loaded: readonly LoadedImage[] };
}

/** Makes the image that `transform` makes, and writes or loads a bundle of it alone. Throws invalid-argument. */
export async function makeTransformed(
  selection: Selection,
  options: ResultOptions,
  transform: Transform,
  signal: AbortSignal,
): Promise<Transformed> {
  const startMs = performance.now();
  const { output, into } = options;
  if (output === undefined && into === undefined) throw nowhere(transform);
  const format = chooseFormat(options, output);
  if (output !== undefined)
    await checkOutput(output, await inputPlaces(selection, options.from, [transform]));
  const cache = await openChosenCache(options);
  const outcomes: Outcome[] = [];
  const own = { ...selection, tagAs: [] }; // -t names the image
  await using bundle = await prepareChosenBundle(own, options, cache, signal, transform.kind, {
    transforms: [transform],
    onOutcome: (outcome) => outcomes.push(outcome),
  });
  const outcome = getOutcome(outcomes);
  const made = { image: describeImages(bundle.images)[0], outcome, layer: findNewLayer(bundle, outcome) };
  const secondsSoFar = (): number => (performance.now() - startMs) / 1000;
  if (output === undefined) {
    const loaded = await loadBundle(bundle, into, signal);
    return { ...made, seconds: secondsSoFar(), result: { loaded } };
  }
  const archive = await prepareArchive(own, bundle, cache, format, { signal });
  const written = await writeArchive(bundle, archive, output, cache, signal);
  const seconds = secondsSoFar();
  const summary = await summarizeBuild(cache, bundle, seconds, archive.frames);
  return { ...made, seconds, result: { written, summary } };
}

/** One image was asked for, by an id or a name, so there is one outcome. */
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

/** Throws invalid-argument if `selection` may be several images, because these verbs are about one. */
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
