/** What `--from` names: files, or an engine. */
import { resolve } from 'node:path';
import { listBaseFiles } from '../../inspect/find/base-files.ts';
import type { Selection } from '../resolve-selection.ts';
import { checkPlace } from '../../place/check-place.ts';
import { findPlace, formatPlace, parsePlace, splitPath } from '../../place/place.ts';
import { readRecipe } from '../../place/recipe/read-recipe.ts';
import type { Transform } from '../../transforms/transform.ts';

/** The files that `from` names, absolute: a mount that watches looks at them again. */
export function sourceFiles(from: string | undefined): readonly string[] {
  const place = parsePlace(from);
  if (!('path' in place)) return [];
  return [place.kind === 'oci-folder' ? resolve(place.path, 'index.json') : resolve(place.path)];
}

/** The files that the older image of a transform comes from. */
export function transformFiles(transform: Transform): readonly string[] {
  return transform.kind === 'thin' ? sourceFiles(transform.onFrom) : [];
}

/**
 * All that is read for `selection` with these transforms, which no output may replace: files, and folders with all that
 * lies in them. Throws as checkPlace does if a source cannot be one.
 */
export async function inputPlaces(
  { files, project, transforms: ownTransforms }: Selection,
  from: string | undefined,
  transforms: readonly Transform[] = ownTransforms,
): Promise<string[]> {
  const sources = [from, ...transforms.map((one) => (one.kind === 'thin' ? one.onFrom : undefined))];
  const named = sources.filter((one) => one !== undefined);
  for (const one of named) await checkPlace(parsePlace(one)); // or the message would be about the output
  const places = await Promise.all(named.map(sourcePlaces));
  const { keepRecipes = [] } = project?.gc ?? {};
  return [...places.flat(), ...files, ...keepRecipes];
}

/** All that is read for these bases of a delta: files and folders, and the origins of recipes among them. */
export async function basePlaces(bases: readonly string[]): Promise<string[]> {
  const places = bases.map(async (base) => {
    const { kind, path } = splitPath(base);
    if (path === '') return []; // refused when it is opened
    const isRecipe = kind === 'recipe' || path.endsWith('.json');
    const origins = isRecipe ? (await sourcePlaces(formatPlace({ kind: 'recipe', path }))).slice(1) : [];
    return [...(await listBaseFiles(base)), ...origins];
  });
  return (await Promise.all(places)).flat();
}

/** The files and folders that `from` names; of a recipe also those of its origin. */
async function sourcePlaces(from: string): Promise<readonly string[]> {
  const place = parsePlace(from);
  if (place.kind === 'oci-folder') return [resolve(place.path)];
  const files = sourceFiles(from);
  if (place.kind !== 'recipe') return files;
  // What is wrong with it is said when it is read.
  const origin = (await readRecipe(resolve(place.path)).catch(() => undefined))?.source;
  if (origin === undefined || findPlace(origin)?.kind === 'recipe') return files;
  return [...files, ...(await sourcePlaces(origin))];
}

/** The engine that `from` names; undefined if it names something else. */
export function sourceEngine(from: string | undefined): { readonly host?: string | undefined } | undefined {
  const place = parsePlace(from);
  return place.kind === 'engine' ? { host: place.host } : undefined;
}
