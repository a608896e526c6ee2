/** From references to what is asked of a registry: repositories, and tags or digests in them. */
import { appendAll } from '../../ground/long-lists.ts';
import { BundleError } from '../../ground/errors.ts';
import { imageNotFound } from '../../image/image-not-found.ts';
import { isPatternText, parsePattern, splitFamiliar } from '../../image/name-pattern.ts';
import { familiarName, formatName, parseReference, type Reference } from '../../image/reference.ts';
import { listRepositories, listTags } from './lists.ts';
import type { RegistryClient } from './talk/registry-client.ts';
import {
  type ManifestName,
  type RegistryPlace,
  type SingleReference,
  splitRepository,
} from './registry-place.ts';

export interface WantedImage {
  readonly reference: SingleReference;
  /** Of the repository. */
  readonly path: string;
  readonly name: ManifestName;
  /** Whether it was asked for by this name, and not found by a pattern. */
  readonly isNamed: boolean;
}

type RegistryPart = Extract<RegistryPlace, { kind: 'registry' }>;

/**
 * What `references` mean at `place`: a name without a registry is that of a repository there. Images are called as they
 * were asked for. Throws invalid-argument, invalid-reference, image-not-found for patterns, and what the client throws.
 */
export async function findWantedImages(
  client: RegistryClient,
  place: RegistryPlace,
  references: readonly Reference[],
  signal?: AbortSignal,
): Promise<WantedImage[]> {
  if (place.kind === 'image') {
    if (references.length > 0) throw namedTwice(place.reference);
    const { path } = splitRepository(place.reference.repository);
    return [wantedOf(place.reference, path)];
  }
  if (references.length === 0) throw await nothingNamed(client, signal);
  const wanted: WantedImage[] = [];
  for (const reference of references) {
    if (reference.kind === 'id') throw idsAreUnknown(client, reference);
    if (reference.kind === 'pattern')
      appendAll(wanted, await expandPattern(client, place, reference, signal));
    else wanted.push(wantedOf(reference, pathOf(place, reference)));
  }
  return wanted;
}

/** The error for a tag or digest that is not there; asks for what is near, and takes no for an answer. */
export async function wantedNotFound(
  client: RegistryClient,
  { reference, path }: WantedImage,
  signal?: AbortSignal,
): Promise<BundleError> {
  const place = describeRegistry(client);
  const tags = await listTags(client, path, { signal }).catch(() => []);
  signal?.throwIfAborted();
  if (tags.length > 0) {
    return imageNotFound(
      reference,
      place,
      tags.map((tag) => `${reference.repository}:${tag}`),
    );
  }
  const lead = reference.repository.slice(0, reference.repository.length - path.length);
  const paths = await listRepositories(client, { signal }).catch(() => []);
  signal?.throwIfAborted();
  if (paths.length > 0 && lead !== '') {
    return imageNotFound(
      reference,
      place,
      paths.map((other) => `${lead}${other}`),
    );
  }
  return new BundleError(
    'image-not-found',
    `Cannot find image "${reference.text}": ${place} does not have it`,
    {
      hint: `There is no repository "${path}", or this login may not see it.`,
    },
  );
}

export function describeRegistry({ host }: Pick<RegistryClient, 'host'>): string {
  return `registry ${host}`;
}

function wantedOf(reference: SingleReference, path: string): WantedImage {
  const name = reference.kind === 'name' ? reference.tag : reference.digest;
  return { reference, path, name, isNamed: true };
}

/** `registry.example/a` is `a` at registry.example; `a` is `a` wherever it is asked for, and what docker makes of it at Docker Hub. */
function pathOf({ host, prefix }: RegistryPart, { repository, text }: SingleReference): string {
  const own = splitRepository(repository);
  const isFull = own.host !== 'docker.io' || /^(?:index\.)?docker\.io\//.test(text);
  if (!isFull)
    return host === 'docker.io' && prefix === '' ? own.path : `${prefix}${familiarName(repository)}`;
  if (own.host === host) return own.path;
  throw new BundleError(
    'invalid-argument',
    `Cannot read image "${text}" from ${host}: it is named as one of ${own.host}`,
    {
      hint: `Leave out ${own.host}/ for the repository "${own.path}" there, or use --from docker://${own.host}/`,
    },
  );
}

async function expandPattern(
  client: RegistryClient,
  { host, prefix }: RegistryPart,
  reference: Extract<Reference, { kind: 'pattern' }>,
  signal: AbortSignal | undefined,
): Promise<WantedImage[]> {
  const isFull = reference.text.startsWith(`${host}/`);
  const lead = isFull ? `${host}/` : '';
  const shown = (path: string): string => (isFull ? `${host}/${path}` : path.slice(prefix.length));
  const { repository } = splitFamiliar(reference.text);
  const paths = isPatternText(repository)
    ? (await listRepositories(client, { signal })).filter(
        (path) => (isFull || path.startsWith(prefix)) && parsePattern(repository).matches(shown(path)),
      )
    : [isFull ? repository.slice(lead.length) : `${prefix}${repository}`];
  const wanted: WantedImage[] = [];
  const known: string[] = [];
  for (const path of paths) {
    for (const tag of (await listTags(client, path, { signal })).sort()) {
      const name = parseReference(`${shown(path)}:${tag}`);
      if (name.kind !== 'name') continue;
      known.push(formatName(name));
      if (!reference.pattern.matches(`${shown(path)}:${tag}`)) continue;
      const { platform } = reference;
      wanted.push({ ...wantedOf({ ...name, platform }, path), isNamed: false });
    }
  }
  if (wanted.length === 0) throw imageNotFound(reference, describeRegistry(client), known);
  return wanted;
}

function namedTwice({ text, repository }: SingleReference): BundleError {
  const { host } = splitRepository(repository);
  return new BundleError(
    'invalid-argument',
    `Cannot read images of docker://${text}: that is one image, and others are named, too`,
    { hint: `For several of a registry: --from docker://${host}/ IMAGE…` },
  );
}

function idsAreUnknown({ host }: RegistryClient, { text }: Reference): BundleError {
  return new BundleError(
    'invalid-argument',
    `Cannot find image "${text}" at ${host}: registries do not know image ids`,
    {
      hint: 'Use a name with a tag, or a name with the digest of its manifest: shop/web@sha256:…',
    },
  );
}

async function nothingNamed(client: RegistryClient, signal: AbortSignal | undefined): Promise<BundleError> {
  const paths = (await listRepositories(client, { signal }).catch(() => [])).sort();
  signal?.throwIfAborted();
  const more = paths.length > 5 ? ` and ${paths.length - 5} more` : '';
  return new BundleError(
    'invalid-argument',
    `Cannot read images of the registry ${client.host}: none was named, and all of them are hardly meant`,
    {
      hint:
        paths.length === 0
          ? `Name some: --from docker://${client.host}/ IMAGE…`
          : `It has the repositories ${paths.slice(0, 5).join(', ')}${more}.`,
    },
  );
}
