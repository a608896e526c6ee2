/** What `bundlefs delta --for` does. */
import { basename } from 'node:path';
import type { Cache } from '../../../cache/cache.ts';
import { type Bundle, openRecipe } from '../../../bundle/open-bundle.ts';
import { findBase } from '../../../product/delta/open-base.ts';
import { type BaseImage, createEngineDelta } from '../../../product/delta/engine-delta.ts';
import { checkEngineKind } from '../../../product/delta/check-engine-kind.ts';
import { hexOf } from '../../../ground/digest.ts';
import { BundleError } from '../../../ground/errors.ts';
import { type EngineKind, whyFilesNeedAllLayers } from '../../../image/engine-kinds.ts';
import { writeBundleFile } from '../../../place/file/write-bundle-file.ts';
import type { Selection } from '../../../request/resolve-selection.ts';
import { connectEngine } from '../../../place/engine/talk/engine-connection.ts';
import { findEngineEndpoint } from '../../../place/engine/talk/engine-endpoint.ts';
import { listEngineImages } from '../../../place/engine/engine-image.ts';
import { findEngineKind } from '../../../place/engine/engine-kind.ts';
import { checkDeltaName } from './run.ts';
import { checkOutput } from '../../../request/made/output.ts';
import { type BaseOptions, isEngineName, prepareBaseImages } from '../../../request/made/base.ts';
import { openChosenCache, prepareChosenBundle } from '../../../request/made/bundle.ts';
import { formatCount, formatDuration, formatShare, formatSize } from '../../../ground/format-text.ts';
import { describeWritten } from '../../output/describe-written.ts';
import { printJson, printLines } from '../../../ground/print.ts';
import { toolName } from '../../../request/version.ts';
import { basePlaces, inputPlaces, sourceEngine } from '../../../request/made/inputs.ts';

export interface EngineDeltaOptions extends BaseOptions {
  readonly base: readonly string[];
  readonly output: string;
  readonly for: EngineKind;
  readonly json?: boolean;
}

/** Makes the new bundle, writes the layers that the base images lack to `options.output`, and prints what that is. */
export async function runEngineDelta(
  selection: Selection,
  options: EngineDeltaOptions,
  signal: AbortSignal,
): Promise<void> {
  const startMs = performance.now();
  checkEngineKind(options.for);
  checkDeltaName(options.output);
  const places = await inputPlaces(selection, options.from);
  await checkOutput(options.output, [...places, ...(await basePlaces(options.base))]);
  const cache = await openChosenCache(options);
  const base = await chooseBaseImages(options.base, options, cache, signal);
  await using bundle = await prepareChosenBundle(selection, options, cache, signal, 'delta');
  const delta = await createEngineDelta(bundle, base, options.for, { tool: toolName(), signal });
  const written = await writeBundleFile(delta.file, options.output, { signal });
  const { path, size, digest, isNew } = written;
  const seconds = (performance.now() - startMs) / 1000;
  const { layerCount, omittedCount, omittedSize } = delta;
  const lines = [
    `${describeWritten(written)}${formatSize(size)}, ${formatShare(size / bundle.xz.size)} of the full bundle's ${formatSize(bundle.xz.size)}, in ${formatDuration(seconds)}`,
    `${omittedCount} of ${formatCount(layerCount, 'layer')} (${formatSize(omittedSize)} unpacked) must be in the engine. At the target: sh ${basename(path)}`,
  ];
  const fields = {
    delta: { path, size, sha256: hexOf(digest), isNew },
    kind: options.for,
    bundle: { size: bundle.xz.size },
    layers: { total: layerCount, omitted: omittedCount },
    bytes: { omitted: omittedSize },
    seconds: Math.round(seconds * 1000) / 1000,
  };
  if (options.json === true) printJson(fields);
  else printLines(lines);
}

/** The images that the target has: those of a bundle that the cache knows, of an engine, or images of the source. */
async function chooseBaseImages(
  names: readonly string[],
  options: EngineDeltaOptions,
  cache: Cache,
  signal: AbortSignal,
): Promise<readonly BaseImage[]> {
  const [first] = names;
  const engine = names.length === 1 && first !== undefined ? sourceEngine(first) : undefined;
  if (engine !== undefined && isEngineName(first)) return listBaseImages(engine, options.for, signal);
  const found =
    names.length === 1 && first !== undefined ? await findBase(first, { cache, signal }) : undefined;
  if (found !== undefined) {
    const recipe = found.recipe && (await cache.findRecipe(found.recipe));
    if (recipe === undefined) {
      throw new BundleError(
        'invalid-argument',
        `Cannot take "${found.title}" as the base for an engine: the cache does not know its images`,
        { hint: 'Name the images themselves: --base NAME, once for each.' },
      );
    }
    await using bundle = await openRecipe(cache, recipe);
    return describeBase(bundle);
  }
  await using bundle = await prepareBaseImages(names, options, cache, signal);
  return describeBase(bundle);
}

/** All images of the engine that the delta is for, where it can be reached from here. */
async function listBaseImages(
  engine: { readonly host?: string },
  kind: EngineKind,
  signal: AbortSignal,
): Promise<readonly BaseImage[]> {
  const connection = await connectEngine(await findEngineEndpoint(engine), { signal });
  try {
    const found = await findEngineKind(connection, { signal });
    if (kind !== 'docker' || found !== 'docker') {
      const fault =
        found === undefined
          ? 'it does not say how it keeps images'
          : ((found === 'podman' ? whyFilesNeedAllLayers(found) : undefined) ??
            "with containerd's store it does not tell which images were pulled");
      throw new BundleError(
        'invalid-argument',
        `Cannot take ${connection.description} as the base: ${fault}`,
        {
          hint: 'Name the bundle that its images were loaded from: @N, the digest of a recipe, bundle.json.',
        },
      );
    }
    const images = await listEngineImages(connection, { signal });
    // There an id is a config's digest, and nobody asks where an image came from.
    return images.map(({ names, layers, id }) => ({ names, layers, manifest: id }));
  } finally {
    connection.close();
  }
}

function describeBase({ images, assembled }: Pick<Bundle, 'images' | 'assembled'>): BaseImage[] {
  return images.flatMap(({ tags, layers, configDigest }) => {
    const manifest = assembled.manifestDigests.get(configDigest);
    return manifest === undefined ? [] : [{ names: tags, layers, manifest }];
  });
}
