/** Makes the bundle that a mount is to show, at its start and at each refresh. */
import { resolve } from 'node:path';
import type { Cache } from '../blocks/cache.ts';
import { recipeDigest } from '../blocks/recipe.ts';
import type { PreparedBundle } from '../bundle/prepare-bundle.ts';
import type { PreparedGeneration } from '../live/worker-message.ts';
import type { Selection } from '../selection/resolve-selection.ts';
import type { Transform } from '../transforms/transform.ts';
import { createStick, type Stick } from '../stick/create-stick.ts';
import { summarizeBuild } from './build-summary.ts';
import { type PrepareChosenOptions, prepareChosenBundle } from './chosen-bundle.ts';
import { describeImages } from './describe-images.ts';
import type { ImageOptions } from './image-options.ts';
import { chosenPartSize, type PartOptions } from './part-options.ts';
import { startProgress } from './progress.ts';
import { toolName } from './read-version.ts';
import type { ViewOptions } from './view-options.ts';

/** What says which images a mount shows and in which files. */
export type MountChoice = ImageOptions & PartOptions & ViewOptions;

/** Holds the bundle, so that it is whole still when the daemon opens it. */
export type PreparedMount = PreparedGeneration & AsyncDisposable;

/** Makes and checks the bundle, and has its digests kept, so that a daemon needs nothing but the recipe. */
export async function prepareMount(
  selection: Selection,
  options: MountChoice,
  cache: Cache,
  signal: AbortSignal,
  { verb, ...chosen }: PrepareChosenOptions & { readonly verb: string },
): Promise<PreparedMount> {
  const startMs = performance.now();
  await using bundle = await prepareChosenBundle(selection, options, cache, signal, verb, chosen);
  const { images, statistics } = bundle;
  const { description } = await prepareStick(bundle, options, cache, signal);
  const { text, fields } = await summarizeBuild(cache, bundle, (performance.now() - startMs) / 1000);
  const { encodedSize, reusedSize, encodedBlockCount, reusedBlockCount, blockCount } = statistics;
  const recipe = recipeDigest(bundle.recipe);
  const lease = await cache.lease(recipe);
  return {
    recipe,
    [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose](),
    encodedSize,
    reusedSize,
    encodedBlockCount,
    reusedBlockCount,
    files: [...sourceFiles(options.from), ...selection.transforms.flatMap(olderFiles), ...selection.files],
    report: {
      images: describeImages(images),
      bundle: {
        name: description.archive.name,
        size: description.archive.size,
        sha256: description.archive.sha256,
      },
      parts: description.parts,
      blocks: { total: blockCount, reused: reusedBlockCount, encoded: encodedBlockCount },
      bytes: { reused: reusedSize, encoded: encodedSize },
      ...fields,
    },
    summary: text,
  };
}

/** The files that `--from` names, absolute: a mount that watches looks again when they change. */
export function sourceFiles(from: string | undefined): readonly string[] {
  if (from === undefined || from === '-' || isEngine(from) || isRegistry(from)) return [];
  if (from.startsWith('oci:')) return [resolve(from.slice('oci:'.length), 'index.json')];
  return [resolve(from.replace(/^recipe:/, ''))];
}

/** The files that an older image comes from. */
function olderFiles(transform: Transform): readonly string[] {
  return transform.kind === 'thin' ? sourceFiles(transform.onFrom) : [];
}

/** The engine that `--from` names, by its host where it names one; undefined where it names something else. */
export function sourceEngine(from: string | undefined): { readonly host?: string } | undefined {
  if (from !== undefined && (!isEngine(from) || isRegistry(from))) return undefined;
  const host = from?.slice('docker:'.length) ?? '';
  return host === '' ? {} : { host };
}

function isRegistry(from: string): boolean {
  return from.startsWith('docker://');
}

function isEngine(from: string): boolean {
  return from === 'docker' || from.startsWith('docker:');
}

/** Has the digests of the stick's files computed and kept where they are not. */
export async function prepareStick(
  bundle: PreparedBundle,
  options: PartOptions,
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
