/** From the names that a user gave to images that an engine has. */
import { BundleError } from '../../ground/errors.ts';
import type { EngineKind } from '../../image/engine-kinds.ts';
import { imageNotFound } from '../../image/image-not-found.ts';
import { formatPlatform, matchesPlatform, type PlatformWish } from '../../image/platform.ts';
import { familiarName, formatName, parseTaggedName, type Reference } from '../../image/reference.ts';
import { isVersionAtLeast } from './talk/api-version.ts';
import type { EngineConnection } from './talk/engine-connection.ts';
import {
  type AskEngineOptions,
  type EngineImage,
  engineNameOf,
  findEngineImage,
  listEngineNames,
} from './engine-image.ts';

/** An image and the fully qualified names it was asked for by, which may be none. */
export interface WantedImage extends EngineImage {
  readonly tags: readonly string[];
  /** What to export it by: an id, for a tag may move meanwhile. It has all platforms of the image where `isOneOfSeveral`. */
  readonly exportId: string;
  /** Whether the export must be told the platform. */
  readonly isOneOfSeveral: boolean;
  /** The platform that it was asked for. */
  readonly wish: PlatformWish | undefined;
  /** Whether its id is the digest of a manifest or an index, and not of its config; supposed where nobody tells. */
  readonly isContainerd: boolean;
}

export interface ResolvingEngine {
  readonly connection: EngineConnection;
  /** undefined where it does not say how it keeps images. */
  readonly kind: EngineKind | undefined;
  readonly wish: PlatformWish | undefined;
}

/** An engine answers in a few milliseconds each, and through ssh each question is a process. */
const inspectsAtOnce = 4;
/** The first version of the API whose inspect takes a platform (docker 28.1). */
const platformVersion = '1.49';

/**
 * Each image once, with all of the names that it was asked for by. Throws image-not-found, invalid-argument where there
 * are no references, source-failed.
 */
export async function resolveReferences(
  engine: ResolvingEngine,
  references: readonly Reference[],
  options: AskEngineOptions = {},
): Promise<WantedImage[]> {
  if (references.length === 0) throw await nothingNamed(engine.connection, options);
  const wanted = new Map<string, WantedImage>();
  const named = await expandPatterns(engine.connection, references, options);
  for (let start = 0; start < named.length; start += inspectsAtOnce) {
    const some = named.slice(start, start + inspectsAtOnce);
    const found = await Promise.all(some.map((reference) => resolveReference(engine, reference, options)));
    for (const [index, reference] of some.entries()) {
      const image = found[index];
      if (image === undefined) throw await notFound(engine.connection, reference, options);
      const tags = wanted.get(image.id)?.tags ?? [];
      const isNew = reference.kind === 'name' && !tags.includes(formatName(reference));
      wanted.set(image.id, { ...image, tags: isNew ? [...tags, formatName(reference)] : tags });
    }
  }
  return [...wanted.values()];
}

type NamedReference = Exclude<Reference, { kind: 'pattern' }>;

/** Each pattern as the names that it matches now. Throws image-not-found for one that matches none. */
async function expandPatterns(
  connection: EngineConnection,
  references: readonly Reference[],
  options: AskEngineOptions,
): Promise<NamedReference[]> {
  const isPattern = references.some(({ kind }) => kind === 'pattern');
  const names = isPattern ? (await listEngineNames(connection, options)).sort() : [];
  return references.flatMap((reference) => {
    if (reference.kind !== 'pattern') return [reference];
    const found = names.filter((name) => reference.pattern.matches(familiarName(name)));
    if (found.length === 0) throw imageNotFound(reference, connection.description, names);
    const { platform } = reference;
    return found.map((name) => ({ ...parseTaggedName(name), platform }));
  });
}

async function resolveReference(
  engine: ResolvingEngine,
  reference: NamedReference,
  options: AskEngineOptions,
): Promise<WantedImage | undefined> {
  const { connection, kind } = engine;
  const wish: PlatformWish | undefined =
    reference.platform === undefined ? engine.wish : { platform: reference.platform, isRequired: true };
  const name = engineNameOf(reference);
  const found = await findEngineImage(connection, name, options);
  if (found === undefined) return undefined;
  const isContainerd = kind === undefined ? (found.isContainerd ?? true) : kind === 'containerd-store';
  const image = { ...found, tags: [], exportId: found.id, isOneOfSeveral: false, wish, isContainerd };
  if (wish?.isRequired !== true || matchesPlatform(found.platform, wish.platform)) return image;
  if (isContainerd && isVersionAtLeast(connection.apiVersion, platformVersion)) {
    const other = await findEngineImage(connection, name, { ...options, platform: wish.platform });
    if (other !== undefined) return { ...image, ...other, isOneOfSeveral: true, isContainerd };
  }
  throw notForPlatform(connection, isContainerd, reference, found, wish);
}

async function notFound(
  connection: EngineConnection,
  reference: Reference,
  options: AskEngineOptions,
): Promise<BundleError> {
  const names = await listEngineNames(connection, { ...options, isOptional: true });
  return imageNotFound(reference, connection.description, names);
}

function notForPlatform(
  { description, apiVersion }: EngineConnection,
  isContainerd: boolean,
  { text }: Reference,
  { platform }: EngineImage,
  wish: PlatformWish,
): BundleError {
  const wanted = formatPlatform(wish.platform);
  const has =
    platform.os === '' ? 'does not say what it has it for' : `has it for ${formatPlatform(platform)}`;
  return new BundleError(
    'image-not-found',
    `Cannot find image "${text}" for ${wanted}: ${description} ${has}`,
    {
      // A containerd image store keeps several platforms of an image, but tells of one only, and saves one, before 28.1.
      hint:
        isContainerd && !isVersionAtLeast(apiVersion, platformVersion)
          ? [
              'Docker before 28.1 does not give out others, even where they were pulled. Go past it:',
              `  ${skopeoCommand(text, wish)}`,
            ]
          : `docker pull --platform ${wanted} ${text}`,
    },
  );
}

function skopeoCommand(image: string, { platform: { os, architecture, variant } }: PlatformWish): string {
  const words = ['skopeo', `--override-os=${os}`, `--override-arch=${architecture}`];
  if (variant !== undefined) words.push(`--override-variant=${variant}`);
  return [...words, 'copy', `docker://${image}`, `docker-archive:images.tar:${image}`].join(' ');
}

async function nothingNamed(connection: EngineConnection, options: AskEngineOptions): Promise<BundleError> {
  const listed = await listEngineNames(connection, { ...options, isOptional: true });
  const names = listed.map((name) => familiarName(name)).sort();
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  return new BundleError(
    'invalid-argument',
    'Cannot read images of a docker engine: none was named, and all of them are hardly meant',
    { hint: names.length === 0 ? 'It has no images.' : `It has ${names.slice(0, 5).join(', ')}${more}.` },
  );
}
