/** What a cache has after a collection, by the names that facts have. */
import type { CacheContents } from '../compact-ledger.ts';
import { hexOf } from '../../ground/digest.ts';
import type { CollectionPlan } from './plan-collection.ts';
import type { CacheSurvey } from './survey-cache.ts';

export function listContents(
  { blocks, frames, layers, imageIds, recipes }: CacheSurvey,
  removals: CollectionPlan['removals'],
): CacheContents {
  const gone = new Set(removals.map(({ file }) => file.path));
  const stays = ({ path }: { readonly path: string }): boolean => !gone.has(path);
  const stem = ({ name }: { readonly name: string }): string => name.replace(/\.json$/, '');
  const group = <T extends { readonly path: string; readonly name: string }>(
    files: Iterable<T>,
    nameOf: (file: T) => string,
  ): Map<string, Set<string>> => {
    const groups = new Map<string, Set<string>>();
    for (const file of files) {
      const there = groups.get(nameOf(file)) ?? new Set();
      groups.set(nameOf(file), there);
      if (stays(file)) there.add(stem(file));
    }
    return groups;
  };
  return {
    blocks: group(blocks.values(), ({ encoder }) => encoder),
    frames: group(frames.values(), ({ encoder }) => encoder),
    layers: group(layers, ({ profile }) => profile),
    images: new Set(imageIds.filter(stays).map(stem)),
    recipes: new Set(recipes.filter(stays).map(({ digest }) => hexOf(digest))),
  };
}
