/** The recipe: the small JSON that says which images make one bundle, and what that bundle is (docs/format.md, "JSON files"). */
import * as z from 'zod';
import { type DiffId, type Digest, digestOf, isDigest } from '../../ground/digest.ts';
import type { Image } from '../../image/image.ts';
import type { Profile } from './profile.ts';

/** A digest as it stands in the cache's JSON. */
export const digestSchema = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value));
export const diffIdSchema = z.custom<DiffId>((value) => typeof value === 'string' && isDigest(value));

export const recipeSchema = z.object({
  format: z.literal('bundlefs-recipe-1'),
  /** The rules that lay out the tar; see tarLayoutName. */
  tarLayout: z.string(),
  profile: z.object({
    liblzma: z.string(),
    preset: z.int(),
    extreme: z.boolean(),
    check: z.enum(['crc32', 'crc64', 'sha256']),
    cutter: z.string(),
  }),
  images: z.array(
    z.object({
      tags: z.array(z.string()),
      config: digestSchema,
      layers: z.array(diffIdSchema),
      /** Of an untagged image, as Image has it. */
      refName: z.string().optional(),
    }),
  ),
  /** The bundle it makes; absent until its bytes have been read once. */
  bundle: z
    .object({
      size: z.int(),
      sha256: z.string(),
      /** When these bytes were first read: Unix time in milliseconds, whole seconds. Recipes of version 0.1 have none. */
      finishedMs: z.int().optional(),
      /** The digests of its parts, in hex, by the rule and the largest size that cut them. */
      parts: z.record(z.string(), z.array(z.string())).optional(),
    })
    .optional(),
});

export type Recipe = z.infer<typeof recipeSchema>;

/** The recipe of `images`, which must be in the order of the bundle. */
export function createRecipe(images: readonly Image[], profile: Profile, tarLayout: string): Recipe {
  return {
    format: 'bundlefs-recipe-1',
    tarLayout,
    profile,
    images: images.map(({ tags, configDigest, layers, refName }) => ({
      tags: [...tags],
      config: configDigest,
      layers: [...layers],
      refName: tags.length === 0 && refName !== undefined ? refName : undefined,
    })),
  };
}

/** A name for the recipe: equal recipes make equal bundles. */
export function recipeDigest(recipe: Recipe): Digest {
  return digestOf(Buffer.from(JSON.stringify({ ...recipe, bundle: undefined })));
}
