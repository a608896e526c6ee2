/** The source for images of a Docker engine: it is asked what it has, and exports only what is not known yet. */
import { digestOf } from '../../digest.ts';
import { BundleError } from '../../errors.ts';
import { createImage } from '../../image/create-image.ts';
import { imageNotFound } from '../../image/image-not-found.ts';
import { parseImageConfig } from '../../image/image-config.ts';
import type { Image } from '../../image/image.ts';
import { formatPlatform, matchesPlatform, type PlatformWish } from '../../image/platform.ts';
import { familiarName, formatName, parseReference, type Reference } from '../../image/reference.ts';
import type { ImageSource, LayerSink, ReadImagesOptions } from '../image-source.ts';
import { isVersionAtLeast } from './api-version.ts';
import { connectEngine, type EngineConnection } from './engine-connection.ts';
import { findEngineEndpoint } from './engine-endpoint.ts';
import { engineNameOf, findEngineImage, hasContainerdStore, listEngineNames } from './engine-image.ts';
import { exportImages, hasSameLayers, type WantedImage } from './export-images.ts';

export interface OpenEngineSourceOptions {
  /** `unix:///path`, `tcp://host:port` or `ssh://user@host`; the one that the docker command would use where left out. */
  readonly host?: string;
  /** A docker context, instead of `host`. */
  readonly context?: string;
  /** What images must be for, where that is required. */
  readonly wish?: PlatformWish;
  readonly signal?: AbortSignal;
}

interface Engine {
  readonly connection: EngineConnection;
  /** Whether image ids are digests of manifests, and not of configs. */
  readonly isContainerd: boolean;
  readonly wish: PlatformWish | undefined;
}

/** Connects to an engine. Throws invalid-argument, source-unreachable, source-failed, the signal's reason. */
export async function openEngineSource({
  host,
  context,
  wish,
  signal,
}: OpenEngineSourceOptions = {}): Promise<ImageSource> {
  const endpoint = await findEngineEndpoint({
    ...(host !== undefined && { host }),
    ...(context !== undefined && { context }),
  });
  const connection = await connectEngine(endpoint, signal && { signal });
  try {
    const isContainerd = await hasContainerdStore(connection, signal && { signal });
    const engine = { connection, isContainerd, wish };
    return {
      description: connection.description,
      readImages: (references, sink, options = {}) => readImages(engine, references, sink, options),
      close() {
        connection.close();
        return Promise.resolve();
      },
    };
  } catch (error) {
    connection.close();
    throw error;
  }
}

async function readImages(
  engine: Engine,
  references: readonly Reference[],
  sink: LayerSink,
  { signal, onRead }: ReadImagesOptions,
): Promise<Image[]> {
  const wanted = await resolveReferences(engine, references, signal);
  const images = new Map<string, Image>();
  const unknown: WantedImage[] = [];
  for (const image of wanted) {
    const config = await findKnownConfig(engine, image, sink);
    if (config === undefined) unknown.push(image);
    else images.set(image.id, createImage(config, image.tags));
  }
  let doneBefore = 0;
  let sizeLeft = unknown.reduce((sum, { size }) => sum + size, 0);
  for (const batch of planExports(engine, unknown)) {
    const batchSize = batch.reduce((sum, { size }) => sum + size, 0);
    sizeLeft -= batchSize;
    let done = 0;
    const exported = await exportImages(engine.connection, batch, sink, {
      isIdOfConfig: !engine.isContainerd,
      ...(signal && { signal }),
      onRead(count) {
        done = count;
        onRead?.(doneBefore + done, doneBefore + Math.max(done, batchSize) + sizeLeft);
      },
    });
    doneBefore += done;
    for (const [index, { id }] of batch.entries()) {
      const image = exported[index];
      if (image === undefined) throw new RangeError(`There is no image ${index}`);
      await sink.keepConfig(id, image.config);
      images.set(id, image);
    }
  }
  return mergeImages(wanted.map(({ id }) => images.get(id)).filter((image) => image !== undefined));
}

/** Each image once, with all of the names that it was asked for by. */
async function resolveReferences(
  engine: Engine,
  references: readonly Reference[],
  signal: AbortSignal | undefined,
): Promise<WantedImage[]> {
  const { connection } = engine;
  const options = signal && { signal };
  if (references.length === 0) throw await nothingNamed(connection, options);
  const wanted = new Map<string, WantedImage>();
  for (const reference of await expandPatterns(connection, references, options)) {
    const wish: PlatformWish | undefined =
      reference.platform === undefined ? engine.wish : { platform: reference.platform, isRequired: true };
    const found = await findEngineImage(connection, engineNameOf(reference), options);
    if (found === undefined) {
      throw imageNotFound(reference, connection.description, await listEngineNames(connection, options));
    }
    if (wish?.isRequired === true && !matchesPlatform(found.platform, wish.platform)) {
      throw new BundleError(
        'image-not-found',
        `Cannot find image "${reference.text}" for ${formatPlatform(wish.platform)}: ${connection.description} has it for ${formatPlatform(found.platform)}`,
        { hint: `docker pull --platform ${formatPlatform(wish.platform)} ${reference.text}` },
      );
    }
    const tags = wanted.get(found.id)?.tags ?? [];
    const isNew = reference.kind === 'name' && !tags.includes(formatName(reference));
    wanted.set(found.id, { ...found, tags: isNew ? [...tags, formatName(reference)] : tags });
  }
  return [...wanted.values()];
}

/** Each pattern as the names that it matches now. Throws image-not-found for one that matches none. */
async function expandPatterns(
  connection: EngineConnection,
  references: readonly Reference[],
  options: { readonly signal: AbortSignal } | undefined,
): Promise<Exclude<Reference, { kind: 'pattern' }>[]> {
  const isPattern = references.some(({ kind }) => kind === 'pattern');
  const names = isPattern ? (await listEngineNames(connection, options)).sort() : [];
  return references.flatMap((reference) => {
    if (reference.kind !== 'pattern') return [reference];
    const found = names.filter((name) => reference.pattern.matches(familiarName(name)));
    if (found.length === 0) throw imageNotFound(reference, connection.description, names);
    const { platform } = reference;
    return found.map((name) => ({ ...parseName(name), ...(platform && { platform }) }));
  });
}

function parseName(name: string): Extract<Reference, { kind: 'name' }> {
  const reference = parseReference(name);
  if (reference.kind !== 'name') throw new TypeError(`"${name}" is no name with a tag`);
  return reference;
}

async function nothingNamed(
  connection: EngineConnection,
  options: { readonly signal: AbortSignal } | undefined,
): Promise<BundleError> {
  const names = (await listEngineNames(connection, options)).map((name) => familiarName(name)).sort();
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  return new BundleError(
    'invalid-argument',
    'Cannot read images of a docker engine: none was named, and all of them are hardly meant',
    { hint: names.length === 0 ? 'It has no images.' : `It has ${names.slice(0, 5).join(', ')}${more}.` },
  );
}

/** The config kept of an earlier run, where it and all layers are at hand: then the engine need not export anything. */
async function findKnownConfig(
  { isContainerd }: Engine,
  { id, layers }: WantedImage,
  sink: LayerSink,
): Promise<Uint8Array | undefined> {
  const config = await sink.findConfig(id);
  if (config === undefined || (!isContainerd && digestOf(config) !== id)) return undefined;
  if (!hasSameLayers(parseImageConfig(config, `the config kept for ${id}`).diffIds, layers)) return undefined;
  for (const layer of new Set(layers)) if (!(await sink.hasLayer(layer))) return undefined;
  return config;
}

/**
 * Which images to export in one call (docs/decisions/0006): all together, so that shared layers come once, but for
 * engines that leak layers then (docker 25 to 29 with graph drivers; moby image/tarexport/save.go,
 * "saveConfigAndLayer"), or whose exports do not say which image is which.
 */
function planExports({ connection, isContainerd }: Engine, images: readonly WantedImage[]): WantedImage[][] {
  const isTogether = !isContainerd && !isVersionAtLeast(connection.apiVersion, '1.44');
  if (isTogether && images.length > 0) return [[...images]];
  return images.map((image) => [image]);
}

/** Images of one config are one: the containerd store has an id for each way in which its layers are compressed. */
function mergeImages(images: readonly Image[]): Image[] {
  const merged = new Map<string, Image>();
  for (const image of images) {
    const tags = [...(merged.get(image.configDigest)?.tags ?? []), ...image.tags];
    merged.set(image.configDigest, createImage(image.config, tags));
  }
  return [...merged.values()];
}
