/** The digest of a whole bundle, kept with its recipe so that it is computed once. */
import type { Cache } from '../blocks/cache.ts';
import type { Recipe } from '../blocks/recipe.ts';
import { type Digest, finishDigest, hexOf, startDigest } from '../digest.ts';
import type { VirtualFile } from '../file/virtual-file.ts';

/** Keeps what is known of the whole bundle of `recipe`. */
export async function keepDigest(
  cache: Cache,
  recipe: Recipe,
  { size, digest }: { readonly size: number; readonly digest: Digest },
): Promise<void> {
  const sha256 = hexOf(digest);
  if (recipe.bundle?.sha256 === sha256 && recipe.bundle.size === size) return;
  await cache.putRecipe({ ...recipe, bundle: { size, sha256 } });
}

export interface HashFileOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number) => void;
}

/** The sha256 of all of `file`. */
export async function hashFile(
  file: VirtualFile,
  { signal, onProgress }: HashFileOptions = {},
): Promise<Digest> {
  const hash = startDigest();
  let done = 0;
  for await (const chunk of file.stream(signal ? { signal } : {})) {
    hash.update(chunk);
    done += chunk.length;
    onProgress?.(done);
  }
  return finishDigest(hash);
}
