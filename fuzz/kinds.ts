/** All kinds of input, in the order in which they take turns. */
import type { Kind } from './fuzz-case.ts';
import { archiveKind } from './kinds/archive.ts';
import { cacheKind } from './kinds/cache.ts';
import { compressedKinds } from './kinds/compressed.ts';
import { configKind } from './kinds/config.ts';
import { deltaKind } from './kinds/delta.ts';
import { layerKind } from './kinds/layer.ts';
import { layoutKind } from './kinds/layout.ts';
import { recipeKind } from './kinds/recipe.ts';
import { composeKind, projectKind } from './kinds/selection.ts';
import { stickKind } from './kinds/stick.ts';

export const kinds: readonly Kind[] = [
  archiveKind,
  layoutKind,
  configKind,
  layerKind,
  ...compressedKinds,
  recipeKind,
  cacheKind,
  composeKind,
  projectKind,
  deltaKind,
  stickKind,
];
