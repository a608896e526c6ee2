/** A recipe as a file for people and programs: `bundlefs describe` writes it, `--from recipe:FILE` takes it (docs/format.md, "Recipes"). */
import * as z from 'zod';
import type { Digest } from '../../ground/digest.ts';
import type { Recipe } from './recipe.ts';

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const size = z.int().nonnegative();

export const recipeDocumentSchema = z.object({
  format: z.literal('bundlefs-recipe-1'),
  tool: z.string().optional().describe('The program that wrote it, and its version'),
  source: z
    .string()
    .optional()
    .describe('Where the images came from, as --from takes it: read where the cache lacks something'),
  tarLayout: z.string().describe('The rules that lay out the bundle tar'),
  profile: z
    .object({
      liblzma: z.string(),
      preset: z.int().min(0).max(9),
      extreme: z.boolean(),
      check: z.enum(['crc32', 'crc64', 'sha256']),
      cutter: z.string(),
    })
    .describe('What the blocks were encoded with; a bundle may be made with another'),
  images: z
    .array(
      z.object({
        tags: z.array(z.string()).describe('Fully qualified, with a tag; none for an untagged image'),
        config: digest.describe('Of the config'),
        layers: z.array(digest).describe('diffIds from the lowest up; may repeat'),
        refName: z
          .string()
          .optional()
          .describe('Of an untagged image: what its source calls it, a tag without a repository'),
        layerSizes: z.array(size).optional().describe('Bytes of the tars, in the order of layers'),
        configText: z.string().optional().describe('The config, byte for byte in UTF-8'),
      }),
    )
    .describe('In the order of the bundle'),
});

export type RecipeDocument = z.infer<typeof recipeDocumentSchema>;

export interface DescribeRecipeOptions {
  /** Name and version of the program. */
  readonly tool: string;
  /** As `--from` takes it, paths absolute; absent where it cannot be read again. */
  readonly source?: string;
  readonly findConfig: (config: Digest) => Uint8Array | undefined;
  readonly findLayerSize: (diffId: Digest) => number | undefined;
}

/** The document of `recipe`. The same recipe and options give an equal document. */
export function describeRecipe(recipe: Recipe, options: DescribeRecipeOptions): RecipeDocument {
  const { tool, source, findConfig, findLayerSize } = options;
  const { format, tarLayout, profile, images } = recipe;
  return {
    format,
    tool,
    source,
    tarLayout,
    profile,
    images: images.map(({ tags, config, layers, refName }) => {
      const layerSizes = layers.flatMap((diffId) => findLayerSize(diffId) ?? []);
      const configText = findUtf8(findConfig(config));
      return {
        ...{ tags, config, layers },
        ...(refName !== undefined && { refName }),
        ...(layerSizes.length === layers.length && { layerSizes }),
        ...(configText !== undefined && { configText }),
      };
    }),
  };
}

/** Undefined where the bytes are not what encoding the text would give again. */
function findUtf8(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  const text = Buffer.from(bytes).toString('utf8');
  return Buffer.compare(Buffer.from(text, 'utf8'), bytes) === 0 ? text : undefined;
}
