/** The base that `--base` names, once or several times. */
import { isStandardInput } from '../../place/place.ts';
import { resolve } from 'node:path';
import type { Cache } from '../../cache/cache.ts';
import { type DeltaBase, readBaseBundle } from '../../product/delta/delta-base.ts';
import type { RecordedBundle } from '../../bundle/record-build.ts';
import { findBase } from '../../product/delta/open-base.ts';
import { BundleError, hintLines, isBundleError } from '../../ground/errors.ts';
import { baseVerb } from '../../inspect/find/choose-build.ts';
import { findRecipeDigest } from '../../inspect/find/find-bundle.ts';
import { prepareChosenBundle } from './bundle.ts';
import type { GivenImageOptions, Selection } from '../resolve-selection.ts';
import { chooseImages } from './selection.ts';
import type { Settings } from '../settings.ts';
import { startProgress } from './progress.ts';

/** Settings, and which project file there is. */
export type BaseOptions = Settings & Pick<GivenImageOptions, 'config'>;

/**
 * One bundle, however it is named, or the bundle that `build` makes of the images named. Throws invalid-argument, and
 * what opening and preparing throw.
 */
export async function chooseBase(
  names: readonly string[],
  options: BaseOptions,
  cache: Cache,
  signal: AbortSignal,
): Promise<DeltaBase> {
  for (const name of names) if (isEngineName(name)) throw engineAsBase(name);
  const several = names.length > 1 && names.find((name) => /^@\d+$/.test(name));
  if (typeof several === 'string') throw severalBases(several);
  const [first] = names;
  if (names.length === 1 && first !== undefined) {
    using progress = startProgress({ label: 'reading the base' });
    const base = await findBase(first, {
      cache,
      signal,
      onRead: (done, total) => {
        progress.show(done, total);
      },
    });
    if (base !== undefined) return base;
  }
  await using bundle = await prepareBaseImages(names, options, cache, signal);
  return await readBaseBundle(bundle, names.join(', '), { signal });
}

/** The bundle that `build` makes of the images of the source that `names` are. Throws as chooseBase does. */
export async function prepareBaseImages(
  names: readonly string[],
  options: BaseOptions,
  cache: Cache,
  signal: AbortSignal,
): Promise<RecordedBundle> {
  try {
    const selection = await selectBase(names, options);
    return await prepareChosenBundle(selection, options, cache, signal, baseVerb);
  } catch (error) {
    const digest = names.find((name) => findRecipeDigest(name) !== undefined);
    if (digest === undefined || !isBundleError(error)) throw error;
    throw new BundleError(
      error.code,
      `Cannot take "${digest}" as the base: there is no such recipe in the cache "${cache.path}". ${error.message}`,
      { cause: error, hint: hintLines(error) },
    );
  }
}

/** With what the project file says of images that the command line names. Throws where the source can be read once only. */
async function selectBase(
  names: readonly string[],
  { from, config }: Pick<BaseOptions, 'from' | 'config'>,
): Promise<Selection> {
  if (isStandardInput(from)) {
    throw new BundleError(
      'invalid-argument',
      `Cannot take "${names.join(', ')}" as the base: there is no such bundle, and standard input cannot be read for both`,
      { hint: 'Name the bundle that the target has, or give the archive as a file: --from FILE' },
    );
  }
  return (await chooseImages(names, config === undefined ? {} : { config })).selection;
}

/** Whether `name` is that of an engine: `docker`, `docker:<host>`. */
export function isEngineName(name: string | undefined): boolean {
  // An image named docker has a tag, too, and no host in it.
  return name === 'docker' || /^docker:(?:$|[a-z]+:\/\/)/.test(name ?? '');
}

/** A base for another process: what it can be opened by there, and its title. */
export interface DeltaReference {
  /** An absolute path, or the digest of a recipe. */
  readonly name: string;
  readonly title: string;
}

/** What `base`, which was found by `name` in this folder, is in another folder and after more builds. */
export function referTo(base: DeltaBase, name: string): DeltaReference {
  return { name: base.recipe ?? resolve(name), title: base.title };
}

/** Opens it. Throws what findBase throws. */
export async function openReference({ name, title }: DeltaReference, cache: Cache): Promise<DeltaBase> {
  const base = await findBase(name, { cache });
  if (base !== undefined) return { ...base, title };
  throw new BundleError('archive-not-found', `Cannot find the base of the delta, "${name}", any more`);
}

function severalBases(name: string): BundleError {
  return new BundleError(
    'invalid-argument',
    `Cannot take "${name}" as the base together with others: it is a whole bundle, and only images may be several`,
    { hint: 'Name the one bundle that the target has.' },
  );
}

function engineAsBase(name: string): BundleError {
  return new BundleError(
    'invalid-argument',
    `Cannot take the engine "${name}" as the base: a delta needs the target's images.tar.xz, and an engine keeps none`,
    {
      hint: 'Name the bundle that the target has. Where that is lost, and its images are in an engine: --for KIND',
    },
  );
}
