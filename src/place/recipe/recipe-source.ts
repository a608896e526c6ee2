/** The source for a recipe: its images come from the cache, and what is not there from where the recipe says they were. */
import { groupBy } from '../../ground/group-by.ts';
import type { Profile } from '../../plan/layout/profile.ts';
import { type DiffId, hexOf } from '../../ground/digest.ts';
import { BundleError, isBundleError } from '../../ground/errors.ts';
import { readChunks } from '../../file/read-chunks.ts';
import { createImage, type Image } from '../../image/image.ts';
import { findImagePlatform, layerSteps, parseImageConfig } from '../../image/image-config.ts';
import { formatPlatform, matchesPlatform, type PlatformWish } from '../../image/platform.ts';
import { familiarName, type Reference } from '../../image/reference.ts';
import type { ImageSource, LayerSink, ReadImagesOptions, SurveyedImage } from '../../image/image-source.ts';
import { readUnlessLeftOut } from '../../image/leave-out.ts';
import { selectImages } from '../archive/layouts/select-images.ts';
import { missingParts } from './missing-parts.ts';
import { readFromOrigin } from './read-from-origin.ts';
import { readRecipe, type RecipeContent, type RecipeImage } from './read-recipe.ts';
import type { Cache } from '../../cache/cache.ts';
import { openStoredLayers } from '../../file/stored-layers.ts';

export interface RecipeSourceOptions {
  readonly wish: PlatformWish;
  /** Opens the source that a recipe names. */
  readonly openOrigin: (from: string) => Promise<ImageSource>;
  /** Has layers, also such as were encoded with another profile; none are taken from it if it is left out. */
  readonly cache: Cache | undefined;
}

/**
 * The images of the recipe at `path`. Reading throws block-missing, naming what neither the cache nor the recipe's own
 * source has; what readRecipe throws; image-not-found.
 */
export function createRecipeSource(path: string, options: RecipeSourceOptions): ImageSource {
  const label = `recipe "${path}"`;
  const open = async (references: readonly Reference[]): Promise<SelectedRecipe> => {
    const content = await readRecipe(path);
    return { ...content, images: await select(content, references, options.wish, label) };
  };
  return {
    description: label,
    async readImages(references, sink, readOptions = {}) {
      return readSelected(await open(references), sink, { ...options, ...readOptions, label });
    },
    async surveyImages(references, known, { leaveOut } = {}) {
      const { images } = await open(references);
      const surveyed = images.map((image) =>
        readUnlessLeftOut(() => survey(image, known, label), image.isNamed, leaveOut),
      );
      return (await Promise.all(surveyed)).filter((image) => image !== undefined);
    },
    close: () => Promise.resolve(),
  };
}

/** An image of the recipe, and whether it was asked for by itself. */
type SelectedRecipeImage = RecipeImage & { readonly isNamed: boolean };

interface SelectedRecipe extends RecipeContent {
  readonly images: readonly SelectedRecipeImage[];
}

interface ReadSelectedOptions extends RecipeSourceOptions, ReadImagesOptions {
  readonly label: string;
}

async function readSelected(
  { images, profile, source }: SelectedRecipe,
  sink: LayerSink,
  options: ReadSelectedOptions,
): Promise<readonly Image[]> {
  const { label, openOrigin, cache, leaveOut, signal, onRead } = options;
  const absent = await findAbsent(images, sink, async (diffId) => {
    signal?.throwIfAborted();
    return cache !== undefined && (await takeStored(cache, profile, diffId, sink, signal));
  });
  const found: Image[] = [];
  const incomplete: RecipeImage[] = [];
  for (const image of images) {
    const config = image.config ?? (await sink.findConfig(image.configDigest));
    const isWhole = config !== undefined && !image.layers.some((diffId) => absent.has(diffId));
    if (!isWhole) incomplete.push(image);
    else {
      const read = await readUnlessLeftOut(() => toImage(image, config, label), image.isNamed, leaveOut);
      if (read !== undefined) found.push(read);
    }
  }
  if (incomplete.length === 0) return found;
  const fetched =
    source === undefined
      ? { images: [], place: undefined, error: undefined }
      : await readFromOrigin(source, incomplete, sink, {
          signal,
          onRead,
          open: openOrigin,
        });
  const byConfig = new Map(fetched.images.map((image) => [image.configDigest, image]));
  const missing = incomplete.filter((image) => !byConfig.has(image.configDigest));
  if (missing.length > 0) throw missingParts(label, missing, absent, fetched);
  return [
    ...found,
    ...incomplete.flatMap((image) => {
      const read = byConfig.get(image.configDigest);
      return read === undefined ? [] : [toImage(image, read.config, label)];
    }),
  ];
}

/** The layers of `images` that neither the sink has nor `take` finds. */
async function findAbsent(
  images: readonly RecipeImage[],
  sink: LayerSink,
  take: (diffId: DiffId) => Promise<boolean>,
): Promise<Set<DiffId>> {
  const absent = new Set<DiffId>();
  for (const diffId of new Set(images.flatMap(({ layers }) => layers))) {
    if (!(await sink.hasLayer(diffId)) && !(await take(diffId))) absent.add(diffId);
  }
  return absent;
}

/** Whether `cache` has the layer under `profile`, and it could be read to its end: a damaged block is as good as none. */
async function takeStored(
  cache: Cache,
  profile: Profile,
  diffId: DiffId,
  sink: LayerSink,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  await using layers = await openStoredLayers(cache, profile);
  const layer = await layers.findLayer(diffId);
  if (layer?.kind !== 'random') return false;
  try {
    const content = readChunks(layer.file, { signal });
    await sink.addLayer(content, { expected: diffId, label: `layer ${hexOf(diffId).slice(0, 12)}` });
    return true;
  } catch (error) {
    if (isBundleError(error, 'block-missing', 'block-corrupt', 'xz-corrupt')) return false;
    throw error;
  }
}

/** One entry for each image, with the names that it was asked for by. */
async function select(
  { images }: RecipeContent,
  references: readonly Reference[],
  wish: PlatformWish,
  label: string,
): Promise<SelectedRecipeImage[]> {
  const listed = images
    .filter((image) => isFor(image, wish))
    .map((image) => ({
      image,
      names: image.names,
      refName: image.refName,
      findDigests: () => Promise.resolve({ config: image.configDigest, manifests: [] }),
    }));
  if (listed.length === 0 && images.length > 0) {
    throw new BundleError(
      'image-not-found',
      `Cannot take an image of ${label}: none is for ${formatPlatform(wish.platform)}`,
    );
  }
  const selected = await selectImages(listed, references, label);
  return [...groupBy(selected, (one) => one.listed.image.configDigest).values()].map((same) => ({
    ...same[0].listed.image,
    names: [...new Set(same.flatMap(({ tags }) => tags))],
    isNamed: same.some(({ isNamed }) => isNamed),
  }));
}

/** Of an image whose config is elsewhere, or cannot be read, nothing is known that speaks against it. */
function isFor({ config }: RecipeImage, { platform, isRequired }: PlatformWish): boolean {
  const own = config && findImagePlatform(config);
  return !isRequired || own === undefined || matchesPlatform(own, platform);
}

function toImage(recipe: RecipeImage, config: Uint8Array, label: string): Image {
  const name = nameOf(recipe);
  const image = createImage(config, recipe.names, `the config of ${name} in ${label}`);
  if (image.layers.join() === recipe.layers.join()) return { ...image, refName: recipe.refName };
  throw new BundleError(
    'archive-corrupt',
    `Cannot take ${name} from ${label}: its config names other layers`,
  );
}

function nameOf({ names: [name], configDigest }: RecipeImage): string {
  return name === undefined ? hexOf(configDigest).slice(0, 12) : familiarName(name);
}

async function survey(
  image: RecipeImage,
  known: Pick<LayerSink, 'findConfig'>,
  label: string,
): Promise<SurveyedImage> {
  const { names, configDigest, layers, layerSizes } = image;
  const config = image.config ?? (await known.findConfig(configDigest));
  const what = `the config of ${nameOf(image)} in ${label}`;
  const steps = config === undefined ? [] : layerSteps(parseImageConfig(config, what).history);
  return {
    id: configDigest,
    tags: [...names].sort(),
    config,
    layers: layers.map((diffId, index) => {
      const [size, createdBy] = [layerSizes?.[index], steps[index]];
      return {
        diffId,
        isExact: size !== undefined,
        size,
        createdBy,
      };
    }),
  };
}
