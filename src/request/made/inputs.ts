/** What `--from` names: files, or an engine. */
import { resolve } from 'node:path';
import { listBaseFiles } from '../../inspect/find/base-files.ts';
import type { Selection } from '../resolve-selection.ts';
import { checkPlace } from '../../place/check-place.ts';
import { readRecipe } from '../../place/recipe/read-recipe.ts';
import type { Transform } from '../../transforms/transform.ts';

/** The files that `from` names, absolute: what a mount that watches looks at again. */
export function sourceFiles(from: string | undefined): readonly string[] {
  if (from === undefined || from === '-' || isEngine(from) || isRegistry(from)) return [];
  if (from.startsWith('oci:')) return [resolve(from.slice('oci:'.length), 'index.json')];
  return [resolve(from.replace(/^recipe:/, ''))];
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
  for (const one of named) await checkPlace(one); // or the message would be about the output
  const places = await Promise.all(named.map(sourcePlaces));
  const { keepRecipes = [] } = project?.gc ?? {};
  return [...places.flat(), ...files, ...keepRecipes];
}

/** All that is read for these bases of a delta: files and folders, and what recipes among them name. */
export async function basePlaces(bases: readonly string[]): Promise<string[]> {
  const named = bases.filter((base) => !/^(?:recipe|oci):$/.test(base)); // the others are refused when they are opened
  const places = named.map(async (base) => {
    const isRecipe = base.startsWith('recipe:') || base.endsWith('.json');
    const origins = isRecipe ? (await sourcePlaces(`recipe:${base.replace(/^recipe:/, '')}`)).slice(1) : [];
    return [...(await listBaseFiles(base)), ...origins];
  });
  return (await Promise.all(places)).flat();
}

/** The files and folders that `from` names; of a recipe also those that it names itself. */
async function sourcePlaces(from: string): Promise<readonly string[]> {
  if (from.startsWith('oci:')) return [resolve(from.slice('oci:'.length))];
  const files = sourceFiles(from);
  const [path] = files;
  if (path === undefined || !from.startsWith('recipe:')) return files;
  // What is wrong with it is said when it is read.
  const recipe = await readRecipe(path).catch(() => undefined);
  const origin = recipe?.source;
  if (origin === undefined || origin.startsWith('recipe:')) return files;
  return [...files, ...(await sourcePlaces(origin))];
}

/** The engine that `from` names, by its host where it names one; undefined where it names something else. */
export function sourceEngine(from: string | undefined): { readonly host?: string } | undefined {
  if (from !== undefined && (!isEngine(from) || isRegistry(from))) return undefined;
  const host = from?.slice('docker:'.length) ?? '';
  return host === '' ? {} : { host };
}

function isRegistry(from: string): boolean {
  return from.startsWith('docker://');
}

function isEngine(from: string): boolean {
  return from === 'docker' || from.startsWith('docker:');
}
