/** Reads a recipe from a file, and finds out what it says of each image. */
import * as z from 'zod';
import { type RecipeDocument, recipeDocumentSchema } from '../../plan/layout/recipe-document.ts';
import { type Digest, type DiffId, digestOf, parseDiffId, parseDigest } from '../../ground/digest.ts';
import { BundleError, describeError, findErrno } from '../../ground/errors.ts';
import { parseForeignJson } from '../../image/json/foreign-json.ts';
import { normaliseTag } from '../../image/reference.ts';
import { readSmallFile } from '../../disk/read-small-file.ts';

export interface RecipeImage {
  readonly names: readonly string[];
  readonly configDigest: Digest;
  readonly layers: readonly DiffId[];
  readonly layerSizes?: readonly number[] | undefined;
  /** Its bytes hash to `configDigest`. */
  readonly config?: Uint8Array | undefined;
  /** Of an untagged image, as Image has it. */
  readonly refName?: string | undefined;
}

export interface RecipeContent {
  readonly images: readonly RecipeImage[];
  readonly profile: RecipeDocument['profile'];
  /** As `--from` takes it. */
  readonly source: string | undefined;
}

const formatName = 'bundlefs-recipe-1';

/**
 * The recipe in the file at `path`: what describe wrote, `.bundlefs/recipe.json` of a mount, or a recipe of a cache, which
 * has its digest on a line before it. Throws archive-not-found, archive-corrupt, archive-unsupported, config-mismatch,
 * source-failed.
 */
export async function readRecipe(path: string): Promise<RecipeContent> {
  const what = `recipe "${path}"`;
  const bytes = await readBytes(path);
  const isKept = /^sha256:[0-9a-f]{64}\n/.test(bytes.subarray(0, 72).toString('latin1'));
  const json = isKept ? bytes.subarray(72) : bytes;
  const { format } = parseForeignJson(json, z.object({ format: z.string().optional() }), what);
  if (format !== formatName) {
    throw new BundleError(
      'archive-unsupported',
      `Cannot read ${what}: its format is ${format === undefined ? 'not named' : `"${format}"`}, ${formatName} was expected`,
      { hint: 'bundlefs describe IMAGE… writes a recipe.' },
    );
  }
  const { images, profile, source } = parseForeignJson(json, recipeDocumentSchema, what);
  return { profile, source, images: images.map((image) => toImage(image, what)) };
}

function toImage(image: RecipeDocument['images'][number], what: string): RecipeImage {
  const { tags, config, layers, layerSizes, configText, refName } = image;
  const bytes = configText === undefined ? undefined : Buffer.from(configText, 'utf8');
  if (bytes !== undefined && digestOf(bytes) !== config) {
    throw new BundleError(
      'config-mismatch',
      `Cannot read ${what}: a config that hashes to ${digestOf(bytes)} is called ${config}`,
    );
  }
  return {
    names: tags.map((tag) => normaliseTag(tag)),
    configDigest: parseDigest(config, what),
    layers: layers.map((layer) => parseDiffId(layer, what)),
    layerSizes: layerSizes?.length === layers.length ? layerSizes : undefined,
    config: bytes,
    refName,
  };
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readSmallFile(path, { acceptsPipes: true });
  } catch (error) {
    const errno = findErrno(error) ?? '';
    if (['ENOENT', 'ENOTDIR'].includes(errno)) {
      throw new BundleError('archive-not-found', `Cannot read recipe "${path}": there is no such file`, {
        cause: error,
      });
    }
    const reason = ['EACCES', 'EPERM'].includes(errno) ? 'permission denied' : describeError(error);
    throw new BundleError('source-failed', `Cannot read recipe "${path}": ${reason}`, { cause: error });
  }
}
