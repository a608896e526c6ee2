/** The digests of a bundle, whole and in parts, kept with its recipe so that they are computed once. */
import type { Cache } from '../cache/cache.ts';
import { type Recipe, recipeDigest } from '../plan/layout/recipe.ts';
import { type Digest, findDigestOfHex, finishDigest, hexOf, startDigest } from '../ground/digest.ts';
import type { VirtualFile } from '../file/virtual-file.ts';

/** The digests of parts of a bundle, and a name for where it was cut. */
export interface PartDigests {
  readonly cutName: string;
  readonly digests: readonly Digest[];
}

/** What is known of a whole bundle once its bytes have been read. */
export interface FinishedBundle {
  readonly size: number;
  readonly digest: Digest;
  readonly parts?: PartDigests;
}

/** Keeps what is known of the whole bundle of `recipe` beside what is kept already, and returns the recipe as it is kept now. */
export async function keepDigest(
  cache: Cache,
  recipe: Recipe,
  { size, digest, parts }: FinishedBundle,
): Promise<Recipe> {
  const name = recipeDigest(recipe);
  const kept = (await cache.findRecipe(name))?.bundle;
  const sha256 = hexOf(digest);
  const isKnown = kept?.sha256 === sha256 && kept.size === size;
  if (isKnown && (parts === undefined || kept.parts?.[parts.cutName] !== undefined)) {
    return { ...recipe, bundle: kept };
  }
  // What another user wrote is kept where it is the same: his mounts and ours show one time.
  const claim = await cache.findClaim(name);
  const finishedMs =
    claim?.sha256 === sha256 && claim.size === size
      ? await finishedTimeMs(cache, { ...recipe, bundle: claim })
      : nowMs();
  const bundle = {
    size,
    sha256,
    finishedMs,
    parts: {
      ...(isKnown && kept.parts),
      ...(parts && { [parts.cutName]: parts.digests.map(hexOf) }),
    },
  };
  await cache.putRecipe({ ...recipe, bundle });
  return { ...recipe, bundle };
}

/** When the bundle of the kept `recipe` was first finished: Unix time in milliseconds, whole seconds; always the same. */
export async function finishedTimeMs(cache: Cache, recipe: Recipe): Promise<number> {
  return recipe.bundle?.finishedMs ?? (await cache.recipeTimeMs(recipeDigest(recipe)));
}

/** The kept digest of the whole bundle of `recipe`, or undefined. */
export function findKeptDigest(recipe: Recipe): Digest | undefined {
  return recipe.bundle && findDigestOfHex(recipe.bundle.sha256);
}

/** The kept digests of the `count` parts that `cutName` stands for, or undefined. */
export function findKeptPartDigests(recipe: Recipe, cutName: string, count: number): Digest[] | undefined {
  const found = recipe.bundle?.parts?.[cutName]?.flatMap((hex) => findDigestOfHex(hex) ?? []);
  return found?.length === count ? found : undefined;
}

export interface HashFileOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number) => void;
}

/** The sha256 of all of `file`, and of each run of it that ends at one of `ends`, which rise to its size; in one pass. */
export async function hashFile(
  file: VirtualFile,
  ends: readonly number[],
  { signal, onProgress }: HashFileOptions = {},
): Promise<{ whole: Digest; parts: Digest[] }> {
  const whole = startDigest();
  const parts: Digest[] = [];
  let part = startDigest();
  let done = 0;
  for await (const chunk of file.stream(signal ? { signal } : {})) {
    whole.update(chunk);
    let rest = chunk;
    for (
      let end = ends[parts.length];
      end !== undefined && done + rest.length >= end;
      end = ends[parts.length]
    ) {
      parts.push(finishDigest(part.update(rest.subarray(0, end - done))));
      part = startDigest();
      rest = rest.subarray(end - done);
      done = end;
    }
    part.update(rest);
    done += rest.length;
    onProgress?.(done);
  }
  return { whole: finishDigest(whole), parts };
}

function nowMs(): number {
  return Math.floor(Date.now() / 1000) * 1000;
}
