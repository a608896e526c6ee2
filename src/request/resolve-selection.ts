/** What to bundle: from the command line, the project file and all that they name to a list of references. */
import { isStandardInput } from '../place/place.ts';
import { appendAll } from '../ground/long-lists.ts';
import { join, resolve } from 'node:path';
import { arch } from 'node:process';
import { BundleError } from '../ground/errors.ts';
import { parseReference, type Reference } from '../image/reference.ts';
import { parseTagRule, type TagRule } from '../image/tag-rules.ts';
import type { Transform } from '../transforms/transform.ts';
import { parseImageList } from './image-list.ts';
import { findProjectFile, projectFileName } from './find-project-file.ts';
import type { ProjectFile } from './project-file.ts';
import { decodeText, mostTextSize, readTextFile, tooLarge } from './read-text-file.ts';
import { listTransforms } from './list-transforms.ts';
import { chooseSettings, type Environment, type GivenSettings, type Settings } from './settings.ts';

/** What the command line says. */
export interface GivenSelection extends GivenSettings {
  readonly images: readonly string[];
  readonly imagesFile?: readonly string[];
  readonly compose?: readonly string[];
  readonly profile?: readonly string[];
  readonly envFile?: readonly string[];
  readonly tagAs?: readonly string[];
  /** The project file; false for none, and where left out, the one of the working folder. */
  readonly config?: string | false;
}

/** The same without the arguments: as options stand on the command line, before the project file and the environment complete them. */
export type GivenImageOptions = Omit<GivenSelection, 'images'>;

export interface Selection {
  /** Names, ids and patterns; empty for all images of the source. */
  readonly patterns: readonly Reference[];
  readonly tagAs: readonly TagRule[];
  /** What is made of the images, in this order. */
  readonly transforms: readonly Transform[];
  /** Absolute paths of the files whose edits may change the answer; some of them may not be there. */
  readonly files: readonly string[];
  /** Whether a list came from standard input, which cannot be read again. */
  readonly hasReadInput: boolean;
  readonly settings: Settings;
  /** What was found in the project file, paths made absolute, for what else is set there. */
  readonly project: ProjectFile | undefined;
}

export interface ResolveContext {
  readonly environment: Environment;
  /** The working folder, absolute. */
  readonly folder: string;
  /** Standard input. */
  readonly input: AsyncIterable<Uint8Array>;
}

/** Lists of images, Compose files and names, from one place. */
interface Wanted {
  readonly images: readonly string[];
  readonly imagesFiles: readonly string[];
  readonly compose: WantedCompose | undefined;
}

interface WantedCompose {
  readonly files: readonly string[];
  readonly profiles: readonly string[];
  readonly envFiles: readonly string[];
  readonly projectName?: string;
}

/**
 * Finds out what `given` asks for. Any images, lists or Compose files of the command line take the place of all that
 * the project file selects. Reads files only, and never the source. Throws selection-invalid, invalid-argument,
 * invalid-reference.
 */
export async function resolveSelection(given: GivenSelection, context: ResolveContext): Promise<Selection> {
  const { environment, folder } = context;
  const project = await findProject(given, folder);
  const settings = chooseSettings(given, project, environment);
  const ownWanted = hasSelection(given);
  const wanted = ownWanted ? wantedOfCommandLine(given, context) : wantedOfProject(project, given, context);
  const files = new Set<string>(project === undefined ? watchedProject(given, folder) : [project.path]);
  const lists = await readLists(wanted.imagesFiles, settings, context.input, files);
  const patterns = [
    ...wanted.images.map((name) => parseReference(name)),
    ...lists,
    ...(wanted.compose === undefined ? [] : await readCompose(wanted.compose, environment, files)),
  ];
  const isAsked = wanted.images.length + wanted.imagesFiles.length > 0 || wanted.compose !== undefined;
  if (isAsked && patterns.length === 0) throw nothingNamed(wanted);
  return {
    patterns: given.platform === undefined ? patterns : patterns.map(withoutPlatform),
    tagAs: readTagRules(given, project, !ownWanted),
    transforms: listTransforms(project, !ownWanted),
    files: [...files],
    hasReadInput: wanted.imagesFiles.includes('-'),
    settings,
    project,
  };
}

async function findProject({ config }: GivenSelection, folder: string): Promise<ProjectFile | undefined> {
  if (config === false) return undefined;
  return findProjectFile(config, folder);
}

/** A project file that comes to be changes the answer, too. */
function watchedProject({ config }: GivenSelection, folder: string): string[] {
  return config === undefined ? [join(folder, projectFileName)] : [];
}

function hasSelection({ images, imagesFile = [], compose = [] }: GivenSelection): boolean {
  return images.length + imagesFile.length + compose.length > 0;
}

function wantedOfCommandLine(given: GivenSelection, { environment, folder }: ResolveContext): Wanted {
  const { images, imagesFile = [], compose = [], profile = [], envFile = [] } = given;
  const at = (path: string): string => resolve(folder, path);
  if (compose.length === 0 && (profile.length > 0 || envFile.length > 0)) throw nothingToCompose(given);
  return {
    images,
    imagesFiles: imagesFile.map((path) => (path === '-' ? path : at(path))),
    compose:
      compose.length === 0
        ? undefined
        : {
            files: compose.map(at),
            profiles: profile,
            envFiles: (envFile.length > 0 ? envFile : namedEnvFiles(environment)).map(at),
          },
  };
}

/** Without a Compose file of its own, the command line may still choose among the profiles of the project's. */
function wantedOfProject(
  project: ProjectFile | undefined,
  given: GivenSelection,
  { environment, folder }: ResolveContext,
): Wanted {
  const { profile = [], envFile = [] } = given;
  const ofProject = [project?.compose?.envFile ?? []].flat();
  const named = ofProject.length > 0 ? ofProject : namedEnvFiles(environment);
  const compose = project?.compose;
  if (compose === undefined && (profile.length > 0 || envFile.length > 0)) throw nothingToCompose(given);
  return {
    images: project?.images ?? [],
    imagesFiles: project?.imagesFiles ?? [],
    compose: compose && {
      files: compose.files,
      profiles: profile.length > 0 ? profile : (compose.profiles ?? []),
      envFiles: (envFile.length > 0 ? envFile : named).map((path) => resolve(folder, path)),
      projectName: compose.projectName,
    },
  };
}

/** Docker docs, "COMPOSE_ENV_FILES": what --env-file is where it is not given. */
function namedEnvFiles(environment: Environment): string[] {
  return (environment['COMPOSE_ENV_FILES'] ?? '').split(',').filter((path) => path !== '');
}

async function readLists(
  paths: readonly string[],
  { from }: Settings,
  input: AsyncIterable<Uint8Array>,
  files: Set<string>,
): Promise<Reference[]> {
  const inputs = paths.filter((path) => path === '-').length;
  if (inputs > 1 || (inputs === 1 && isStandardInput(from))) {
    throw new BundleError(
      'invalid-argument',
      'Cannot read standard input twice: it is named as a list and as another source',
      {
        hint: 'Write the list to a file, and name that with --images-file.',
      },
    );
  }
  const references: Reference[] = [];
  for (const path of paths) {
    if (path !== '-') files.add(path);
    const text = path === '-' ? await readInput(input) : await readTextFile(path, 'a list of images');
    appendAll(references, parseImageList(text, path));
  }
  return references;
}

async function readInput(input: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of input) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > mostTextSize) throw tooLarge('-', 'a list of images');
  }
  return decodeText(Buffer.concat(chunks), '-', 'a list of images');
}

async function readCompose(
  wanted: WantedCompose,
  environment: Environment,
  watched: Set<string>,
): Promise<Reference[]> {
  const [{ loadCompose }, { listServiceImages }] = await Promise.all([
    import('./compose/load-compose.ts'),
    import('./compose/service-images.ts'),
  ]);
  const { files: paths, envFiles, profiles, projectName } = wanted;
  const loaded = await loadCompose({
    paths,
    envFiles,
    environment,
    projectName,
  });
  for (const file of loaded.files) watched.add(file);
  return listServiceImages(loaded, { profiles, arch });
}

/** The rules of the command line take the place of the project's. Those are for its own images, so that others need not match. */
function readTagRules(
  given: GivenSelection,
  project: ProjectFile | undefined,
  isOfProject: boolean,
): TagRule[] {
  if (given.tagAs !== undefined) return given.tagAs.map((text) => parseTagRule(text));
  return Object.entries(project?.tagAs ?? {}).flatMap(([from, names]) =>
    [names].flat().map((name) => parseTagRule(`${from}=${name}`, isOfProject)),
  );
}

/** `--platform` goes before what Compose files say. */
function withoutPlatform(reference: Reference): Reference {
  const { platform, ...rest } = reference;
  return platform === undefined ? reference : rest;
}

function nothingToCompose({ profile = [] }: GivenSelection): BundleError {
  const option = profile.length > 0 ? '--profile' : '--env-file';
  return new BundleError('invalid-argument', `Cannot use ${option}: no Compose file is named`, {
    hint: `For example --compose docker-compose.yml ${option} ${profile[0] ?? '.env'}`,
  });
}

function nothingNamed({ imagesFiles, compose }: Wanted): BundleError {
  const places = [...imagesFiles, ...(compose?.files ?? [])].map((path) => `"${path}"`).join(', ');
  return new BundleError('selection-invalid', `Cannot tell what to bundle: ${places} names no image`);
}
