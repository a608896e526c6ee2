/** The error for images of which a recipe is all that is left here. */
import type { DiffId } from '../../ground/digest.ts';
import { BundleError, describeError } from '../../ground/errors.ts';
import { familiarName } from '../../image/reference.ts';
import type { OriginImages } from './read-from-origin.ts';
import type { RecipeImage } from './read-recipe.ts';

const listedCount = 5;

/** Says what of `images` is missing in the cache, what was tried, and how to get it. */
export function missingParts(
  label: string,
  images: readonly RecipeImage[],
  absent: ReadonlySet<DiffId>,
  { place, error }: OriginImages,
): BundleError {
  const names = images.map(({ names: [name], configDigest }) => (name ? familiarName(name) : configDigest));
  const layers = [...new Set(images.flatMap((image) => image.layers))];
  const missing = layers.filter((diffId) => absent.has(diffId));
  const what =
    missing.length === 0
      ? 'a config is not in the cache'
      : `${missing.length} of ${layers.length} layers ${missing.length === 1 ? 'is' : 'are'} not in the cache`;
  return new BundleError(
    'block-missing',
    `Cannot take ${listSome(names)} from ${label}: ${what}, and ${describePlace(place, error)}`,
    {
      cause: error,
      hint: [
        ...(missing.length === 0 ? [] : [`Missing: ${listSome(missing)}`]),
        'Name the cache that has them with --cache, or build the images once from where they are, which puts them back:',
        `  bundlefs build --from SOURCE ${names.slice(0, listedCount).join(' ')} -o images.tar.xz`,
        'From then on, cache gc keeps them with --keep-recipe, or gc.keepRecipes in bundlefs.yaml.',
      ],
    },
  );
}

function describePlace(place: string | undefined, error: unknown): string {
  if (place === undefined) return 'it names no other source';
  if (error === undefined) return `${place} does not have the images any more`;
  return `its source cannot be read (${describeError(error)})`;
}

function listSome(texts: readonly string[]): string {
  const more = texts.length > listedCount ? ` and ${texts.length - listedCount} more` : '';
  return `${texts.slice(0, listedCount).join(', ')}${more}`;
}
