/** Image references as users write them, and their one fully qualified form (distribution/reference, "familiar names"). */
import { isDigest, type Digest } from '../ground/digest.ts';
import { BundleError, isBundleError } from '../ground/errors.ts';
import type { ImagePlatform } from './image-config.ts';
import { isPatternText, type NamePattern, parsePattern } from './name-pattern.ts';

/** What a user asked for: one image, or all whose names match a pattern. */
export type Reference = {
  readonly text: string;
  /** What it must be for, where this one says so itself; it goes before what is wished of all. */
  readonly platform?: ImagePlatform;
} & (
  | { readonly kind: 'name'; readonly repository: string; readonly tag: string }
  | { readonly kind: 'digest'; readonly repository: string; readonly digest: Digest }
  | { readonly kind: 'id'; readonly idPrefix: string }
  | { readonly kind: 'pattern'; readonly pattern: NamePattern }
);

const pathPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const hostPattern =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$/;
/** distribution/reference, "RepositoryNameTotalLengthMax"; 20.10 counts the host, too. */
const mostNameLength = 255;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const idPattern = /^(?:sha256:)?([0-9a-f]{12,64})$/;

/**
 * Parses what a user wrote: `app`, `app:2`, `host:5000/a/b:2`, `app@sha256:…`, `sha256:…` or an image id of 12 to 64
 * hex digits, or a pattern of names. A name without a tag means `:latest`, as docker has it. Throws `invalid-reference`.
 */
export function parseReference(text: string): Reference {
  if (isPatternText(text)) return { kind: 'pattern', text, pattern: parsePattern(familiarName(text)) };
  const id = idPattern.exec(text)?.[1];
  if (id !== undefined && (text.startsWith('sha256:') || id.length === 64 || /^[0-9a-f]{12}$/.test(id))) {
    return { kind: 'id', text, idPrefix: id };
  }
  const at = text.indexOf('@');
  if (at >= 0) {
    const digest = text.slice(at + 1);
    if (!isDigest(digest)) throw invalid(text, `"${digest}" is not a sha256 digest`);
    return { kind: 'digest', text, repository: qualify(text, splitTag(text.slice(0, at)).name), digest };
  }
  return parseName(text);
}

function parseName(text: string): Extract<Reference, { kind: 'name' }> {
  const { name, tag } = splitTag(text);
  if (tag !== undefined && !tagPattern.test(tag)) throw invalid(text, `"${tag}" is not a tag`);
  return { kind: 'name', text, repository: qualify(text, name), tag: tag ?? 'latest' };
}

/**
 * The name `text` that an archive or an engine gives an image: never an id or a pattern. `sha256:abab…` is the tag
 * `abab…` of a repository "sha256" to docker. Throws `invalid-reference`.
 */
export function parseTaggedName(text: string): Extract<Reference, { kind: 'name' }> {
  // Docker wants no repository that looks like an id (distribution/reference, "ParseNormalizedNamed").
  if (/^[0-9a-f]{64}$/.test(text)) throw invalid(text, 'it is an id, a name was expected');
  if (text.includes('@')) throw invalid(text, 'a name with a tag was expected');
  return parseName(text);
}

/** The fully qualified form of a tag found in an archive or engine: `app:2` gives `docker.io/library/app:2`. Throws `invalid-reference`. */
export function normaliseTag(text: string): string {
  return formatName(parseTaggedName(text));
}

/**
 * The fully qualified name and tag that `text`, an annotation or RepoTag, holds; undefined where it holds none: a digest
 * alone, or a bare word, which is a tag without a repository (containerd pkg/transfer, "ociRefName").
 */
export function findTaggedName(text: string): string | undefined {
  const name = text.replace(/@.*$/s, '');
  if (!/[:/]/.test(name) || (name !== text && splitTag(name).tag === undefined)) return undefined;
  try {
    return normaliseTag(name);
  } catch (error) {
    if (isBundleError(error, 'invalid-reference')) return undefined;
    throw error;
  }
}

/** `repository:tag`, fully qualified. */
export function formatName(reference: { readonly repository: string; readonly tag: string }): string {
  return `${reference.repository}:${reference.tag}`;
}

/** The short form that docker shows: `docker.io/library/app:2` gives `app:2`. */
export function familiarName(name: string): string {
  return name.replace(/^docker\.io\/library\//, '').replace(/^docker\.io\//, '');
}

function splitTag(text: string): { name: string; tag: string | undefined } {
  const colon = text.lastIndexOf(':');
  if (colon < 0 || text.includes('/', colon)) return { name: text, tag: undefined };
  return { name: text.slice(0, colon), tag: text.slice(colon + 1) };
}

function qualify(text: string, given: string): string {
  const slash = given.indexOf('/');
  const first = slash < 0 ? '' : given.slice(0, slash);
  const hasHost =
    slash >= 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const host = hasHost ? first : 'docker.io';
  const rest = hasHost ? given.slice(slash + 1) : given;
  const path = host === 'docker.io' && !rest.includes('/') ? `library/${rest}` : rest;
  if (!hostPattern.test(host)) throw invalid(text, `"${host}" is not a registry host`);
  if (!pathPattern.test(path)) throw invalid(text, nameFault(path));
  const name = `${host === 'index.docker.io' ? 'docker.io' : host}/${path}`;
  if (name.length <= mostNameLength) return name;
  throw invalid(text, `repository names have at most ${mostNameLength} characters`);
}

function nameFault(path: string): string {
  return path === path.toLowerCase()
    ? `"${path}" is not a repository name`
    : 'repository names must be lower case';
}

function invalid(text: string, why: string): BundleError {
  return new BundleError('invalid-reference', `Cannot read image reference "${text}": ${why}`);
}
