/** Reads images of a recipe from the source that it names. */
import { type ErrorCode, isBundleError } from '../../ground/errors.ts';
import type { Image } from '../../image/image.ts';
import { parseReference, type Reference } from '../../image/reference.ts';
import type { ImageSource, LayerSink, ReadImagesOptions } from '../../image/image-source.ts';
import type { RecipeImage } from './read-recipe.ts';

/** What is wrong with the source; all else is wrong with the cache, or with the program. */
const faultsOfOrigin: readonly ErrorCode[] = [
  ...(['invalid-argument', 'invalid-reference', 'image-not-found'] as const),
  ...(['source-unreachable', 'source-failed'] as const),
  ...(['archive-not-found', 'archive-empty', 'archive-truncated', 'archive-corrupt'] as const),
  ...([
    'archive-unsupported',
    'image-unsupported',
    'config-missing',
    'config-corrupt',
    'config-mismatch',
    'layer-missing',
    'layer-mismatch',
  ] as const),
  ...(['xz-corrupt', 'xz-truncated', 'xz-unsupported'] as const),
];

function isFaultOfOrigin(error: unknown): boolean {
  return isBundleError(error) && faultsOfOrigin.includes(error.code);
}

export interface ReadFromOriginOptions extends ReadImagesOptions {
  readonly open: (from: string) => Promise<ImageSource>;
}

export interface OriginImages {
  /** Those that were found there; others may be among them, where a name is another image's by now. */
  readonly images: readonly Image[];
  /** What the source calls itself, or what the recipe calls it where it could not be opened. */
  readonly place: string | undefined;
  /** What stood in the way, if anything did. */
  readonly error: unknown;
}

/**
 * Hands the layers of `wanted` that `from` has to the sink, and returns the images. That the source or an image is not
 * there any more is no error here: the caller knows better what to say of it. Throws where reading is broken off.
 */
export async function readFromOrigin(
  from: string,
  wanted: readonly RecipeImage[],
  sink: LayerSink,
  { open, ...options }: ReadFromOriginOptions,
): Promise<OriginImages> {
  let place = from;
  try {
    const source = await open(from);
    place = source.description;
    try {
      const references = await chooseReferences(source, wanted, sink, options);
      const images = references.length === 0 ? [] : await source.readImages(references, sink, options);
      return { images, place, error: undefined };
    } finally {
      await source.close();
    }
  } catch (error) {
    if (options.signal?.aborted === true || !isFaultOfOrigin(error)) throw error;
    return { images: [], place, error };
  }
}

/** By what each image is found there: its id or, where an engine calls it otherwise, a name that still is its own. */
async function chooseReferences(
  source: ImageSource,
  wanted: readonly RecipeImage[],
  sink: LayerSink,
  options: ReadImagesOptions,
): Promise<Reference[]> {
  const chosen: Reference[] = [];
  for (const image of wanted) {
    for (const text of [image.configDigest, ...image.names]) {
      const reference = parseReference(text);
      if (!(await isThere(source, reference, image, sink, options))) continue;
      chosen.push(reference);
      break;
    }
  }
  return chosen;
}

async function isThere(
  source: ImageSource,
  reference: Reference,
  { layers }: RecipeImage,
  sink: LayerSink,
  options: ReadImagesOptions,
): Promise<boolean> {
  try {
    const surveyed = await source.surveyImages?.([reference], sink, options);
    // What only reading can tell (a compressed archive) is asked for by id, which all such sources know.
    if (surveyed === undefined) return reference.kind === 'id';
    return surveyed.some((found) => found.layers.map(({ diffId }) => diffId).join() === layers.join());
  } catch (error) {
    if (isBundleError(error, 'image-not-found', 'invalid-reference')) return false;
    throw error;
  }
}
