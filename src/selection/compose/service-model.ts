/** What of a Compose service decides on its image, and how two definitions of one service become one. */

export interface ServiceModel {
  readonly image?: string;
  readonly platform?: string;
  readonly hasBuild: boolean;
  /** Run by something else than an image (compose-spec, "provider"). */
  readonly hasProvider: boolean;
  /** It is active where one of these is, or where it has none. */
  readonly profiles: readonly string[];
  /** The services that it needs, and whether it can do without them. */
  readonly dependencies: ReadonlyMap<string, Dependency>;
  readonly extends?: Extends;
}

export interface Dependency {
  readonly isRequired: boolean;
}

export interface Extends {
  readonly service: string;
  /** Absolute; the same file where left out. */
  readonly file?: string;
}

/** The services of a project, and what stands beside them. */
export interface ComposeModel {
  readonly name?: string;
  readonly services: ReadonlyMap<string, ServiceModel>;
}

/** What `!reset` and `!override` take away of the definitions before: whole services, or keys of them. */
export type Removals = ReadonlyMap<string, ReadonlySet<string> | 'all'>;

/** Stands in Removals for all services; no service can be called this. */
export const everyService = '*';

/** compose-spec, 13-merge.md: mappings are joined, lists appended, other values replaced. */
export function mergeModels(base: ComposeModel, over: ComposeModel, removals: Removals): ComposeModel {
  const services = new Map(removals.has(everyService) ? [] : base.services);
  for (const [name, removed] of removals) {
    const service = services.get(name);
    if (removed === 'all') services.delete(name);
    else if (service !== undefined) services.set(name, removeKeys(service, removed));
  }
  for (const [name, service] of over.services) services.set(name, mergeServices(services.get(name), service));
  const name = over.name ?? base.name;
  return { services, ...(name !== undefined && { name }) };
}

/** `over` on top of `base`. */
export function mergeServices(base: ServiceModel | undefined, over: ServiceModel): ServiceModel {
  if (base === undefined) return over;
  return {
    ...base,
    ...over,
    hasBuild: base.hasBuild || over.hasBuild,
    hasProvider: base.hasProvider || over.hasProvider,
    profiles: [...new Set([...base.profiles, ...over.profiles])],
    dependencies: new Map([...base.dependencies, ...over.dependencies]),
  };
}

/** The service without what its file says of these keys. */
export function removeKeys(service: ServiceModel, keys: ReadonlySet<string>): ServiceModel {
  const { image, platform, extends: extended, ...rest } = service;
  return {
    ...rest,
    ...(image !== undefined && !keys.has('image') && { image }),
    ...(platform !== undefined && !keys.has('platform') && { platform }),
    ...(extended !== undefined && !keys.has('extends') && { extends: extended }),
    hasBuild: service.hasBuild && !keys.has('build'),
    hasProvider: service.hasProvider && !keys.has('provider'),
    profiles: keys.has('profiles') ? [] : service.profiles,
    dependencies: new Map(
      [...service.dependencies].filter(
        ([name]) => !keys.has('depends_on') && !keys.has(`depends_on.${name}`),
      ),
    ),
  };
}
