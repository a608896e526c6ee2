/** The source for images of a Docker engine: it is asked what it has, and exports only what is not known yet. */
import { groupBy } from '../../ground/group-by.ts';
import { digestOf } from '../../ground/digest.ts';
import { createImage, type Image } from '../../image/image.ts';
import { parseImageConfig, readImagePlatform } from '../../image/image-config.ts';
import { matchesPlatform, type PlatformWish } from '../../image/platform.ts';
import type { Reference } from '../../image/reference.ts';
import type { ImageSource, LayerSink, ReadImagesOptions, SurveyedImage } from '../../image/image-source.ts';
import { isVersionAtLeast } from './talk/api-version.ts';
import { connectEngine } from './talk/engine-connection.ts';
import { findEngineEndpoint } from './talk/engine-endpoint.ts';
import { findEngineKind } from './engine-kind.ts';
import { exportImages, hasSameLayers } from './export-images.ts';
import { readLayerHistory } from './layer-history.ts';
import { resolveReferences, type ResolvingEngine, type WantedImage } from './resolve-references.ts';

export interface OpenEngineSourceOptions {
  /** `unix:///path`, `tcp://host:port` or `ssh://user@host`; the one that the docker command would use where left out. */
  readonly host?: string | undefined;
  /** A docker context, instead of `host`. */
  readonly context?: string;
  /** What images must be for, where that is required. */
  readonly wish?: PlatformWish;
  readonly signal?: AbortSignal | undefined;
}

/** Connects to an engine. Throws invalid-argument, source-unreachable, source-failed, the signal's reason. */
export async function openEngineSource({
  host,
  context,
  wish,
  signal,
}: OpenEngineSourceOptions = {}): Promise<ImageSource> {
  const endpoint = await findEngineEndpoint({
    host,
    context,
  });
  const connection = await connectEngine(endpoint, signal && { signal });
  try {
    const kind = await findEngineKind(connection, signal && { signal });
    const engine = { connection, kind, wish };
    return {
      description: connection.description,
      readImages: (references, sink, options = {}) => readImages(engine, references, sink, options),
      surveyImages: (references, known, options = {}) => surveyImages(engine, references, known, options),
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
  engine: ResolvingEngine,
  references: readonly Reference[],
  sink: LayerSink,
  { signal, onRead, leaveOut }: ReadImagesOptions,
): Promise<Image[]> {
  const wanted = await resolveReferences(engine, references, signal && { signal });
  const images = new Map<string, Image>();
  const unknown: WantedImage[] = [];
  for (const image of wanted) {
    const config = await findKnownConfig(image, sink);
    if (config === undefined) unknown.push(image);
    else images.set(image.id, createImage(config, image.tags));
  }
  let doneBefore = 0;
  let sizeLeft = unknown.reduce((sum, { size }) => sum + size, 0);
  for (const batch of planExports(engine.connection, unknown)) {
    const batchSize = batch.reduce((sum, { size }) => sum + size, 0);
    sizeLeft -= batchSize;
    let done = 0;
    const exported = await exportImages(engine.connection, batch, sink, {
      isIdOfConfig: !batch.some(({ isContainerd }) => isContainerd),
      leaveOut,
      signal,
      onRead(count) {
        done = count;
        onRead?.(doneBefore + done, doneBefore + Math.max(done, batchSize) + sizeLeft);
      },
    });
    doneBefore += done;
    for (const [index, { id }] of batch.entries()) {
      const image = exported[index];
      if (image === undefined) continue; // left out
      await sink.keepConfig(id, image.config);
      images.set(id, image);
    }
  }
  return mergeImages(wanted.map(({ id }) => images.get(id)).filter((image) => image !== undefined));
}

/** Asks for inspections and histories, and exports nothing. */
async function surveyImages(
  engine: ResolvingEngine,
  references: readonly Reference[],
  known: Pick<LayerSink, 'hasLayer' | 'findConfig'>,
  { signal }: ReadImagesOptions,
): Promise<SurveyedImage[]> {
  const images: SurveyedImage[] = [];
  for (const image of await resolveReferences(engine, references, signal && { signal })) {
    const { id, tags, size } = image;
    const isKnown = (await findKnownConfig(image, known)) !== undefined;
    const layers = await readLayerHistory(engine.connection, image, signal && { signal });
    images.push({ id, tags, layers, exportSize: isKnown ? 0 : size });
  }
  return images;
}

/** The config kept of an earlier run, where it and all layers are at hand: then the engine need not export anything. */
async function findKnownConfig(
  image: WantedImage,
  sink: Pick<LayerSink, 'hasLayer' | 'findConfig'>,
): Promise<Uint8Array | undefined> {
  const { id, layers, wish, isContainerd } = image;
  const config = await sink.findConfig(id);
  if (config === undefined || (!isContainerd && digestOf(config) !== id)) return undefined;
  const { diffIds } = parseImageConfig(config, `the config kept for ${id}`);
  if (!hasSameLayers(diffIds, layers)) {
    // An engine that lacks the config itself says nothing of layers: what was kept of the image is all that there is.
    const isHollow = isContainerd && layers.length === 0 && image.platform.os === '';
    const fits = wish?.isRequired !== true || matchesPlatform(readImagePlatform(config), wish.platform);
    if (!isHollow || !fits) return undefined;
  }
  for (const layer of new Set(diffIds)) if (!(await sink.hasLayer(layer))) return undefined;
  return config;
}

/**
 * Which images to export in one call (docs/decisions/0006): all together, so that shared layers come once, but for
 * engines that leak layers then (docker 25 to 29 with graph drivers; moby image/tarexport/save.go,
 * "saveConfigAndLayer"), or whose exports do not say which image is which.
 */
function planExports(
  { apiVersion }: ResolvingEngine['connection'],
  images: readonly WantedImage[],
): WantedImage[][] {
  const isTogether =
    !images.some(({ isContainerd }) => isContainerd) && !isVersionAtLeast(apiVersion, '1.44');
  if (isTogether && images.length > 0) return [[...images]];
  return images.map((image) => [image]);
}

/** Images of one config are one: the containerd store has an id for each way in which its layers are compressed. */
function mergeImages(images: readonly Image[]): Image[] {
  return [...groupBy(images, ({ configDigest }) => configDigest).values()].map((same) =>
    createImage(
      same[0].config,
      same.flatMap(({ tags }) => tags),
    ),
  );
}
