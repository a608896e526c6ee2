/** What of a Compose service decides on its images, and how two definitions of one service become one. */

/** A service as one file has it, or as several have it together. What no file names is left out. */
export interface ServiceModel {
  /** Empty is none, even where an earlier file names one. */
  readonly image?: string;
  readonly platform?: string;
  readonly hasBuild: boolean;
  /** Run by something else than an image (compose-spec, "provider"). */
  readonly hasProvider: boolean;
  /** It is active where one of these is, or where it has none. */
  readonly profiles: readonly string[];
  readonly dependsOn: ReadonlyMap<string, Dependency>;
  /** The services of `links`, `volumes_from`, `network_mode` and others, by that key: it needs them, too. */
  readonly shared: ReadonlyMap<string, readonly string[]>;
  /** What is mounted, by its place in the container: the image of a volume of type image, undefined for others. */
  readonly volumes: ReadonlyMap<string, string | undefined>;
  /** Those of `pre_start`: each runs in a container of its own. */
  readonly hookImages: readonly string[];
  readonly extends?: Extends;
}

export interface Dependency {
  /** Whether the service cannot do without it; that it cannot, where this is left out. */
  readonly isRequired?: boolean;
}

export interface Extends {
  readonly service: string;
  /** Absolute; the same file where left out. */
  readonly file?: string;
}

export type Services = ReadonlyMap<string, ServiceModel>;

/** What `!reset` and `!override` take away of the definitions before: whole services, or keys of them. */
export type Removals = ReadonlyMap<string, ReadonlySet<string> | 'all'>;

/** Stands in Removals for all services; no service can be called this. */
export const everyService = '*';

/** compose-spec, 13-merge.md: mappings are joined, lists appended, other values replaced. */
export function overrideServices(base: Services, over: Services, removals: Removals): Services {
  const services = new Map(removals.has(everyService) ? [] : base);
  for (const [name, removed] of removals) {
    const service = services.get(name);
    if (removed === 'all') services.delete(name);
    else if (service !== undefined) services.set(name, removeKeys(service, removed));
  }
  for (const [name, service] of over) services.set(name, mergeServices(services.get(name), service));
  return services;
}

/** `over` on top of `base`. */
export function mergeServices(base: ServiceModel | undefined, over: ServiceModel): ServiceModel {
  if (base === undefined) return over;
  const dependsOn = new Map(base.dependsOn);
  for (const [name, own] of over.dependsOn) dependsOn.set(name, { ...dependsOn.get(name), ...own });
  const shared = new Map(base.shared);
  for (const [key, names] of over.shared) {
    shared.set(key, isList(key) ? (shared.get(key) ?? []).concat(names) : names);
  }
  return {
    image: over.image ?? base.image,
    platform: over.platform ?? base.platform,
    extends: over.extends ?? base.extends,
    hasBuild: base.hasBuild || over.hasBuild,
    hasProvider: base.hasProvider || over.hasProvider,
    profiles: [...new Set([...base.profiles, ...over.profiles])],
    dependsOn,
    shared,
    volumes: new Map([...base.volumes, ...over.volumes]),
    hookImages: [...base.hookImages, ...over.hookImages],
  };
}

function isList(key: string): boolean {
  return key === 'links' || key === 'volumes_from';
}

/** The service without what its file says of these keys: `image`, `depends_on.db`. */
export function removeKeys(service: ServiceModel, keys: ReadonlySet<string>): ServiceModel {
  const { image, platform, extends: extended, ...rest } = service;
  return {
    ...rest,
    image: keys.has('image') ? undefined : image,
    platform: keys.has('platform') ? undefined : platform,
    extends: keys.has('extends') ? undefined : extended,
    hasBuild: service.hasBuild && !keys.has('build'),
    hasProvider: service.hasProvider && !keys.has('provider'),
    profiles: keys.has('profiles') ? [] : service.profiles,
    dependsOn: keep(service.dependsOn, (name) => !keys.has('depends_on') && !keys.has(`depends_on.${name}`)),
    shared: keep(service.shared, (key) => !keys.has(key)),
    volumes: keep(service.volumes, () => !keys.has('volumes')),
    hookImages: keys.has('pre_start') ? [] : service.hookImages,
  };
}

function keep<T>(map: ReadonlyMap<string, T>, isKept: (key: string) => boolean): ReadonlyMap<string, T> {
  return new Map([...map].filter(([key]) => isKept(key)));
}
