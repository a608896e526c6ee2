/** From a Compose project to the images that `docker compose up` needs. */
import { isBundleError } from '../../ground/errors.ts';
import type { ImagePlatform } from '../../image/image-config.ts';
import { formatPlatform, parsePlatform } from '../../image/platform.ts';
import { parseReference, type Reference } from '../../image/reference.ts';
import { fileFault } from '../file-fault.ts';
import type { LoadedCompose } from './load-compose.ts';
import type { ServiceModel, Services } from './service-model.ts';

export interface ServiceImagesOptions {
  /** What is active of profiles; COMPOSE_PROFILES where it is empty. */
  readonly profiles: readonly string[];
  /** This machine's architecture, as Node calls it: a `platform: linux` leaves it to that. */
  readonly arch: string;
}

/**
 * The images of all active services of `project` in the order of the services' names, and of each service: its own, then
 * those of its volumes of type image, then those of its `pre_start` hooks; each once. Throws selection-invalid.
 */
export function listServiceImages(
  project: LoadedCompose,
  { profiles, arch }: ServiceImagesOptions,
): Reference[] {
  const { services, path } = project;
  const chosen = profiles.length > 0 ? profiles : listProfiles(project);
  const names = findActive(services, chosen, path);
  if (names.size === 0) throw noService(services, path);
  const references = new Map<string, Reference>();
  for (const name of [...names].sort()) {
    const service = services.get(name);
    // What a provider runs is not in an image (compose, pkg/compose/pull.go, "mustPull").
    if (service === undefined || service.hasProvider) continue;
    for (const reference of readReferences(project, name, service, arch)) {
      const { text, platform } = reference;
      references.set(`${text}\0${platform === undefined ? '' : formatPlatform(platform)}`, reference);
    }
  }
  return [...references.values()];
}

function readReferences(
  project: LoadedCompose,
  name: string,
  service: ServiceModel,
  arch: string,
): Reference[] {
  const { services, path } = project;
  const { image, platform, hasBuild, volumes, hookImages } = service;
  if (!image && !hasBuild) {
    throw fileFault(path, undefined, `service "${name}" has neither an image nor a build`);
  }
  const read = (text: string): Reference => readReference(name, text, path);
  const wanted = platform ? readPlatform(name, platform, path, arch) : undefined;
  const own = read(image === undefined || image === '' ? builtImageName(project, name) : image);
  const mounted = [...volumes.values()].flatMap((source) => source ?? []);
  return [
    { ...own, platform: wanted ?? own.platform },
    ...mounted.map((source) => {
      // The name of a service that is only built stands for what is built (compose, pkg/compose/build.go, "resolveImageVolumes").
      const built = services.get(source);
      return read(built?.hasBuild === true && !built.image ? builtImageName(project, source) : source);
    }),
    ...hookImages.filter((hookImage) => hookImage !== '').map(read),
  ];
}

/** The image name that Compose gives to what it builds for a service (compose pkg/api, "GetImageNameOrDefault"). */
function builtImageName({ getProjectName, lookup }: LoadedCompose, service: string): string {
  const isCompatible = /^(1|t|true|y|yes|on)$/i.test(lookup('COMPOSE_COMPATIBILITY') ?? '');
  return `${getProjectName()}${isCompatible ? '_' : '-'}${service}`;
}

function listProfiles({ lookup }: LoadedCompose): string[] {
  return (lookup('COMPOSE_PROFILES') ?? '').split(',').map((profile) => profile.trim());
}

/** Services without a profile, those of active ones, and all that these cannot do without. */
function findActive(services: Services, profiles: readonly string[], path: string): Set<string> {
  const active = new Set<string>();
  const waiting = [...services].filter(([, service]) => isActive(service, profiles)).map(([name]) => name);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (active.has(name)) continue;
    active.add(name);
    for (const other of listNeeded(services.get(name))) {
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

/** What `depends_on` says of a service goes before what follows from `links` and others (compose-go, loader/normalize.go). */
function listNeeded(service: ServiceModel | undefined): string[] {
  if (service === undefined) return [];
  const { dependsOn, shared } = service;
  return [
    ...[...dependsOn].filter(([, { isRequired = true }]) => isRequired).map(([name]) => name),
    ...[...shared.values()].flat().filter((name) => !dependsOn.has(name)),
  ];
}

function isActive({ profiles }: ServiceModel, chosen: readonly string[]): boolean {
  return (
    profiles.length === 0 || chosen.includes('*') || profiles.some((profile) => chosen.includes(profile))
  );
}

function readReference(name: string, text: string, path: string): Reference {
  const reference = naming(name, path, () => parseReference(text));
  if (reference.kind !== 'pattern') return reference;
  throw fileFault(
    path,
    undefined,
    `service "${name}" has the image "${reference.text}", which is no image name`,
  );
}

function readPlatform(name: string, text: string, path: string, arch: string): ImagePlatform {
  return naming(name, path, () => parsePlatform(text, arch));
}

/** What `read` throws, as a fault of the service. */
function naming<T>(name: string, path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isBundleError(error, 'invalid-reference', 'invalid-argument')) throw error;
    throw fileFault(path, undefined, `service "${name}": ${error.message}`, { cause: error });
  }
}

function noService(services: Services, path: string): Error {
  if (services.size === 0) return fileFault(path, undefined, 'it has no services');
  const profiles = [...new Set([...services.values()].flatMap((service) => service.profiles))].sort();
  return fileFault(path, undefined, 'none of its services is active', {
    hint: `All of them have profiles: choose with --profile ${profiles.join(', ')}, or "*" for all.`,
  });
}
