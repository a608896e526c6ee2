/** From a Compose project to the images of its services. */
import { isBundleError } from '../../errors.ts';
import type { ImagePlatform } from '../../image/image-config.ts';
import { parsePlatform } from '../../image/platform.ts';
import { parseReference, type Reference } from '../../image/reference.ts';
import { fileFault } from '../file-fault.ts';
import type { LoadedCompose } from './load-compose.ts';
import type { ServiceModel } from './service-model.ts';

export interface ServiceImagesOptions {
  /** What is active of profiles; COMPOSE_PROFILES where it is empty. */
  readonly profiles: readonly string[];
  /** The project's name, before all others. */
  readonly projectName?: string;
}

/**
 * The images of all active services of `project`, which was loaded from `path`, in the order of their names; each once.
 * Throws selection-invalid.
 */
export function listServiceImages(
  project: LoadedCompose,
  path: string,
  { profiles, projectName }: ServiceImagesOptions,
): Reference[] {
  const { services } = project.model;
  const chosen = profiles.length > 0 ? profiles : listProfiles(project);
  const names = findActive(services, chosen, path);
  if (names.size === 0) throw noService(services, path);
  const references = new Map<string, Reference>();
  for (const name of [...names].sort()) {
    const service = services.get(name);
    if (service === undefined || (service.hasProvider && service.image === undefined)) continue;
    const reference = readReference(name, service, path, () => getProjectName(project, projectName, path));
    references.set(`${reference.text}\0${service.platform ?? ''}`, reference);
  }
  return [...references.values()];
}

/** The image name that Compose gives to what it builds for a service (compose pkg/api, "GetImageNameOrDefault"). */
export function builtImageName(projectName: string, service: string): string {
  return `${projectName}-${service}`;
}

/**
 * Docker docs, "Specify a project name": what is asked for, COMPOSE_PROJECT_NAME, `name:` in the file, and else the
 * folder's name without what a project name cannot have.
 */
function getProjectName(
  { model, lookup, folder }: LoadedCompose,
  asked: string | undefined,
  path: string,
): string {
  const named = [asked, lookup('COMPOSE_PROJECT_NAME'), model.name].find(
    (name) => name !== undefined && name !== '',
  );
  const name = named ?? normaliseProjectName(folder.split('/').at(-1) ?? '');
  if (name === normaliseProjectName(name) && name !== '') return name;
  throw fileFault(
    path,
    undefined,
    `"${name}" cannot be the name of a project, which images that it builds are called by`,
    {
      hint: 'It has lower-case letters, digits, - and _, and starts with a letter or digit. Set COMPOSE_PROJECT_NAME.',
    },
  );
}

/** compose-go, "NormalizeProjectName". */
function normaliseProjectName(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '');
}

function listProfiles({ lookup }: LoadedCompose): string[] {
  return (lookup('COMPOSE_PROFILES') ?? '').split(',').map((profile) => profile.trim());
}

/** Services without a profile, those of active ones, and all that these cannot do without. */
function findActive(
  services: ReadonlyMap<string, ServiceModel>,
  profiles: readonly string[],
  path: string,
): Set<string> {
  const active = new Set<string>();
  const waiting = [...services].filter(([, service]) => isActive(service, profiles)).map(([name]) => name);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (active.has(name)) continue;
    active.add(name);
    for (const [other, { isRequired }] of services.get(name)?.dependencies ?? []) {
      if (!isRequired) continue;
      if (!services.has(other)) {
        throw fileFault(
          path,
          undefined,
          `service "${name}" depends on "${other}", and there is no such service`,
        );
      }
      waiting.push(other);
    }
  }
  return active;
}

function isActive({ profiles }: ServiceModel, chosen: readonly string[]): boolean {
  return (
    profiles.length === 0 || chosen.includes('*') || profiles.some((profile) => chosen.includes(profile))
  );
}

function readReference(name: string, service: ServiceModel, path: string, project: () => string): Reference {
  const { image, hasBuild } = service;
  if (image === undefined && !hasBuild) {
    throw fileFault(path, undefined, `service "${name}" has neither an image nor a build`);
  }
  try {
    const reference = parseReference(image ?? builtImageName(project(), name));
    if (reference.kind === 'pattern') {
      throw fileFault(
        path,
        undefined,
        `service "${name}" has the image "${reference.text}", which is no image name`,
      );
    }
    const platform: ImagePlatform | undefined =
      service.platform === undefined ? undefined : parsePlatform(normalisePlatform(service.platform));
    return { ...reference, ...(platform && { platform }) };
  } catch (error) {
    if (!isBundleError(error, 'invalid-reference', 'invalid-argument')) throw error;
    throw fileFault(path, undefined, `service "${name}": ${error.message}`, { cause: error });
  }
}

/** Compose takes an architecture alone, and Go's other names for some (containerd platforms, "normalizeArch"). */
function normalisePlatform(text: string): string {
  const parts = text.toLowerCase().split('/');
  const [os = '', architecture, ...variant] = parts.length === 1 ? ['linux', ...parts] : parts;
  const known = new Map([
    ['x86_64', 'amd64'],
    ['aarch64', 'arm64'],
  ]);
  return [os, known.get(architecture ?? '') ?? architecture, ...variant].join('/');
}

function noService(services: ReadonlyMap<string, ServiceModel>, path: string): Error {
  if (services.size === 0) return fileFault(path, undefined, 'it has no services');
  const profiles = [...new Set([...services.values()].flatMap((service) => service.profiles))].sort();
  return fileFault(path, undefined, 'none of its services is active', {
    hint: `All of them have profiles: choose with --profile ${profiles.join(', ')}, or "*" for all.`,
  });
}
