/** The source for images of a registry: it is asked for digests first, and then for the layers that are not known yet. */
import { groupBy } from '../../ground/group-by.ts';
import { type DiffId, type Digest, digestOf } from '../../ground/digest.ts';
import { type BundleError, isBundleError } from '../../ground/errors.ts';
import { createImage, type Image } from '../../image/image.ts';
import { layerSteps, parseImageConfig, readImagePlatform } from '../../image/image-config.ts';
import type { OciDescriptor } from '../../image/oci-descriptor.ts';
import { formatPlatform, matchesPlatform, type PlatformWish } from '../../image/platform.ts';
import type { Reference } from '../../image/reference.ts';
import { findManifestDigest } from './manifests.ts';
import { openRegistry, type OpenRegistryOptions } from './talk/registry-client.ts';
import { parseRegistryPlace, splitRepository } from './registry-place.ts';
import type { ImageSource, LayerSink, ReadImagesOptions, SurveyedImage } from '../../image/image-source.ts';
import { type LeaveOut, readUnlessLeftOut } from '../../image/leave-out.ts';
import { pullLayers, type WantedLayer } from './pull-layers.ts';
import { namesOf, readRemoteImage, type RemoteRequest } from './remote-image.ts';
import { describeRegistry, findWantedImages, type WantedImage, wantedNotFound } from './wanted-images.ts';

/** An image that was found: whole at hand, or with the layers that may have to be fetched. */
interface FoundImage {
  readonly image: Image;
  readonly layers: readonly WantedLayer[];
  /** What its config is kept by. */
  readonly keys: readonly Digest[];
}

/** Opens the registry that `from` (`docker://…`) names. Asks it nothing yet. Throws invalid-argument, invalid-reference. */
export function openRegistrySource(
  from: string,
  wish: PlatformWish,
  options: OpenRegistryOptions = {},
): ImageSource {
  const place = parseRegistryPlace(from);
  const host = place.kind === 'registry' ? place.host : splitRepository(place.reference.repository).host;
  const client = openRegistry(host, options);
  const request = (wanted: WantedImage, signal: AbortSignal | undefined): RemoteRequest => {
    const { platform } = wanted.reference;
    const own = platform === undefined ? wish : { platform, isRequired: true };
    return { client, wanted, wish: own, signal };
  };
  return {
    description: describeRegistry(client),
    async readImages(references, sink, { signal, onRead, leaveOut } = {}) {
      const found = await readEach(references, { signal, leaveOut }, (wanted) =>
        findImage(request(wanted, signal), sink),
      );
      await pullLayers(
        client,
        found.flatMap(({ layers }) => layers),
        sink,
        { signal, onRead },
      );
      for (const { image, keys } of found) for (const key of keys) await sink.keepConfig(key, image.config);
      return mergeImages(found.map(({ image }) => image));
    },
    surveyImages: (references, _known, options = {}) => surveyImages(references, options),
    close() {
      client.close();
      return Promise.resolve();
    },
  };

  /** Calls `read` for each image that `references` mean. What a pattern finds and is no image is passed over. */
  async function readEach<T>(
    references: readonly Reference[],
    {
      signal,
      leaveOut,
    }: { readonly signal: AbortSignal | undefined; readonly leaveOut: LeaveOut | undefined },
    read: (wanted: WantedImage) => Promise<T>,
  ): Promise<T[]> {
    const found: T[] = [];
    let passedOver: BundleError | undefined;
    for (const wanted of await findWantedImages(client, place, references, signal)) {
      const passOver = (error: unknown): undefined => {
        if (wanted.isNamed || !isBundleError(error, 'image-unsupported')) throw error;
        passedOver = error;
      };
      const readOrPassOver = (): Promise<T | undefined> => read(wanted).catch(passOver);
      const image = await readUnlessLeftOut(readOrPassOver, wanted.isNamed, leaveOut);
      if (image !== undefined) found.push(image);
    }
    if (found.length === 0 && passedOver !== undefined) throw passedOver;
    return found;
  }

  async function surveyImages(
    references: readonly Reference[],
    { signal, leaveOut }: ReadImagesOptions,
  ): Promise<SurveyedImage[]> {
    const found = await readEach(references, { signal, leaveOut }, (wanted) =>
      readRemoteImage(request(wanted, signal), wanted.name),
    );
    return [...groupBy(found, ({ image }) => image.configDigest)].map(([id, same]) => {
      const { image, layers } = same[0];
      const tags = new Set(same.flatMap((one) => one.image.tags));
      return { id, tags: [...tags].sort(), config: image.config, layers: describeLayers(image, layers) };
    });
  }
}

/** One HEAD where its manifest was met before and its layers are at hand; otherwise manifest and config, too. */
async function findImage(request: RemoteRequest, sink: LayerSink): Promise<FoundImage> {
  const { client, wanted, wish, signal } = request;
  const { hasIt, digest } = await findManifestDigest(client, wanted.path, wanted.name, { signal });
  if (!hasIt) throw await wantedNotFound(client, wanted, signal);
  const keys = digest === undefined ? [] : [keyOf(digest, wish)];
  const [key] = keys;
  const config = key && (await findKnownConfig(key, wish, sink));
  if (config !== undefined) return { image: createImage(config, namesOf(wanted)), layers: [], keys: [] };
  const { image, layers } = await readRemoteImage(request, digest ?? wanted.name);
  return { image, layers: wantedLayers(wanted, image, layers), keys };
}

/** What the config of an image is kept by: an index has another one for each platform. */
function keyOf(manifest: Digest, { platform }: PlatformWish): Digest {
  return digestOf(Buffer.from(`${manifest} of a registry for ${formatPlatform(platform)}`));
}

async function findKnownConfig(
  key: Digest,
  wish: PlatformWish,
  sink: Pick<LayerSink, 'findConfig' | 'hasLayer'>,
): Promise<Uint8Array | undefined> {
  const config = await sink.findConfig(key);
  if (config === undefined) return undefined;
  if (wish.isRequired && !matchesPlatform(readImagePlatform(config), wish.platform)) return undefined;
  const { diffIds } = parseImageConfig(config, 'a config that was kept');
  for (const diffId of new Set(diffIds)) if (!(await sink.hasLayer(diffId))) return undefined;
  return config;
}

function wantedLayers(
  { reference, path }: WantedImage,
  image: Image,
  layers: readonly OciDescriptor[],
): WantedLayer[] {
  return image.layers.map((diffId, index) => {
    const { digest, size, foreignUrls } = getLayer(layers, index);
    const label = `layer ${index + 1} of ${reference.text}`;
    return { diffId, path, digest, size, label, foreignUrls };
  });
}

function describeLayers(image: Image, layers: readonly OciDescriptor[]): SurveyedImage['layers'] {
  const steps = layerSteps(parseImageConfig(image.config, `the config ${image.configDigest}`).history);
  return image.layers.map((diffId: DiffId, index) => {
    const { digest, size } = getLayer(layers, index);
    const createdBy = steps[index];
    return {
      diffId,
      size,
      // What is named by another digest is compressed: then its size is that of fewer bytes.
      isExact: digest === diffId,
      createdBy,
    };
  });
}

function getLayer(layers: readonly OciDescriptor[], index: number): OciDescriptor {
  const layer = layers[index];
  if (layer === undefined) throw new RangeError(`There is no layer ${index}`);
  return layer;
}

/** Images of one config are one, with all names that they were asked for by. */
function mergeImages(images: readonly Image[]): Image[] {
  return [...groupBy(images, ({ configDigest }) => configDigest).values()].map((same) =>
    createImage(
      same[0].config,
      same.flatMap(({ tags }) => tags),
    ),
  );
}
