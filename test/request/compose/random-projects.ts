/** Compose projects made at random of all that decides on images. */
import { createRandom } from '../../../sample/pseudo-content.mjs';
import type { ComposeProject } from './compose-peer.ts';

type Random = ReturnType<typeof createRandom>;
type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value } | Raw;

/** YAML that is written as it is, before a value or in its place. */
class Raw {
  readonly before: string;
  readonly value: Value | undefined;

  constructor(before: string, value?: Value) {
    this.before = before;
    this.value = value;
  }
}

const serviceNames = ['web', 'api', 'db', 'cache', 'job', 'tool'];
const platforms = ['linux/amd64', 'linux/arm64', 'arm64', 'linux/x86_64', 'linux/arm/v7', 'linux/aarch64'];

/** The project of this seed: most are right, some of them have a fault. */
export function makeProject(seed: string): ComposeProject {
  return new ProjectMaker(createRandom(`compose ${seed}`)).make(seed);
}

class ProjectMaker {
  readonly #random: Random;
  readonly #files: Record<string, string> = {};
  #count = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  make(seed: string): ComposeProject {
    const isFound = this.#chance(50);
    const main = isFound
      ? this.#pick(['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'])
      : this.#pick(['main.yml', 'deploy/stack.yaml']);
    const folder = main.includes('/') ? 'deploy/' : '';
    const names = serviceNames.slice(0, 2 + this.#random.below(5));
    this.#files[main] = this.#makeFile(folder, names);
    const others = this.#makeOthers(isFound, folder, names);
    this.#makeVariables(folder, main, isFound);
    const isNamed = this.#chance(20);
    return {
      title: `random project ${seed}`,
      files: this.#files,
      ...(!isFound && { compose: [main, ...others] }),
      ...(this.#chance(30) && { profile: [this.#pick(['dev', 'prod', '*', 'none'])] }),
      ...(this.#chance(15) && { envFile: this.#pick([['prod.env'], ['prod.env', 'more.env']]) }),
      environment: {
        ...(this.#chance(30) && { TAG: 'environment' }),
        ...(this.#chance(10) && { COMPOSE_PROFILES: this.#pick(['dev', 'prod,dev', ' prod', '']) }),
        ...(isNamed && { COMPOSE_PROJECT_NAME: this.#pick(['mine', 'x-1', '']) }),
        ...(this.#chance(5) && { COMPOSE_COMPATIBILITY: this.#pick(['true', '1', 'false']) }),
        ...(this.#chance(10) && { COMPOSE_ENV_FILES: this.#pick(['prod.env', 'prod.env,more.env', '']) }),
      },
    };
  }

  /** Override files, in their folder or named. Returns those to be named. */
  #makeOthers(isFound: boolean, folder: string, names: readonly string[]): string[] {
    if (!this.#chance(60)) return [];
    const override = this.#makeOverride(names);
    if (isFound) {
      this.#files[this.#pick(['compose.override.yml', 'docker-compose.override.yaml'])] = override;
      if (this.#chance(20)) this.#files['docker-compose.override.yml'] = this.#makeOverride(names);
      return [];
    }
    const name = this.#pick(['over.yml', `${folder}over.yml`, 'other/over.yml']);
    this.#files[name] = override;
    return [name];
  }

  #makeVariables(folder: string, main: string, isFound: boolean): void {
    const lines = [
      'TAG=dot',
      'REGISTRY=registry.example',
      "QUOTED='single $TAG'",
      'EMPTY=',
      'NESTED=${TAG}-n',
    ];
    const own = lines.filter(() => this.#chance(70));
    if (isFound && this.#chance(8)) {
      this.#files['extra.yml'] = this.#makeOverride(serviceNames.slice(0, 2));
      own.push(
        this.#pick([
          `COMPOSE_FILE=${main}:extra.yml`,
          `COMPOSE_PATH_SEPARATOR=,\nCOMPOSE_FILE=${main},extra.yml`,
        ]),
      );
    }
    if (this.#chance(5)) own.push('COMPOSE_PROFILES=dev');
    if (this.#chance(5)) own.push('COMPOSE_PROJECT_NAME=dotted');
    if (this.#chance(80)) this.#files[`${folder}.env`] = own.join('\n');
    this.#files['prod.env'] = 'TAG=prod\nREGISTRY=prod.example';
    this.#files['more.env'] = 'TAG=more-${TAG}';
  }

  #makeFile(folder: string, names: readonly string[]): string {
    const isSplit = this.#chance(10);
    // Anchors are of one document.
    const base = !isSplit && this.#chance(40);
    const top: Record<string, Value> = {
      ...(this.#chance(15) && { name: this.#pick(['fixed', 'fixed-${EMPTY:-1}', 'Odd.Name']) }),
      ...(this.#chance(20) && { version: '3.9' }),
      ...(base && { 'x-base': new Raw('&base ', this.#makeService(folder, [], 'x')) }),
      ...(this.#chance(50) && { include: this.#makeIncludes(folder, 'inc', 2) }),
    };
    const services = this.#makeServices(folder, names, base);
    const volumes: Value = { data: null };
    if (!isSplit) return emit({ ...top, services, volumes });
    const [first, ...rest] = Object.entries(services);
    return `${emit({ ...top, services: Object.fromEntries([first ?? ['web', null]]), volumes })}\n---\n${emit({ services: Object.fromEntries(rest) })}`;
  }

  #makeServices(folder: string, names: readonly string[], base: boolean): Record<string, Value> {
    const services: Record<string, Value> = {};
    for (const name of names) {
      const service = this.#makeService(folder, Object.keys(services), name);
      services[name] = base && this.#chance(30) ? { '<<': new Raw('*base'), ...service } : service;
    }
    return services;
  }

  /** What `known` services are already there may be extended and depended on. */
  #makeService(folder: string, known: readonly string[], name: string): Record<string, Value> {
    const isExtending = known.length > 0 && this.#chance(20);
    const isFar = !isExtending && this.#chance(12);
    const isBuilt = this.#chance(25);
    const hasImage = !(isBuilt && this.#chance(50)) && !((isExtending || isFar) && this.#chance(60));
    const other = known.length === 0 ? name : this.#pick(known);
    return {
      ...(hasImage && { image: this.#makeImage() }),
      ...(isBuilt && {
        build: this.#pick<Value>(['.', { context: '.' }, { context: './api', target: 'x' }, {}]),
      }),
      ...(isExtending && { extends: this.#pick<Value>([other, { service: other }]) }),
      ...(isFar && { extends: { file: this.#makeFarFile(folder), service: 'far' } }),
      ...(this.#chance(15) && { platform: this.#pick(platforms) }),
      ...(this.#chance(20) && {
        profiles: this.#pick<Value>([['dev'], ['prod'], ['dev', 'prod'], ['${NO-dev}']]),
      }),
      ...(known.length > 0 && this.#chance(20) && { depends_on: this.#makeDependencies(known) }),
      ...(known.length > 0 && this.#chance(5) && { links: [`${other}:alias`] }),
      ...(known.length > 0 && this.#chance(4) && { network_mode: `service:${other}` }),
      ...(this.#chance(25) && { volumes: this.#makeVolumes() }),
      ...(this.#chance(30) && {
        environment: { TAG: '${TAG}', PORT: 80 },
        ports: ['80:80'],
        restart: 'always',
      }),
    };
  }

  #makeDependencies(known: readonly string[]): Value {
    const name = this.#pick(known);
    return this.#pick<Value>([
      [name],
      { [name]: { condition: 'service_started' } },
      { [name]: { condition: 'service_healthy', required: false } },
    ]);
  }

  #makeVolumes(): Value {
    const image = (source: string, target: string): Value => ({ type: 'image', source, target });
    return this.#pick<Value>([
      [image(this.#makeImage(), '/data')],
      ['./here:/data'],
      ['data:/data', image('files:${TAG:-1}', '/files')],
      [image('a:1', '/a'), image('b:1', '/b')],
      ['/data', './conf:/conf:ro'],
      [{ type: 'bind', source: '.', target: '/files' }],
    ]);
  }

  #makeImage(): string {
    this.#count += 1;
    const name = `i${this.#count}`;
    return this.#pick([
      `${name}:1`,
      name,
      `\${REGISTRY:-docker.io}/shop/${name}:1\${TAG}`,
      `${name}:\${TAG:-none}`,
      `${name}:\${NONE-fall}`,
      `${name}:x\${EMPTY-fall}`,
      `${name}:x\${EMPTY:-\${TAG:-deep}}`,
      `${name}:\${TAG:+set}x`,
      `${name}:x\${NONE+set}`,
      `${name}:n\${NESTED}`,
      `${name}:1$TAG`,
      `\${NONE:-reg.example:5000}/${name}@sha256:${'ab'.repeat(32)}`,
      `${name}:\${COMPOSE_PROJECT_NAME}`,
      ...(this.#chance(5) ? [`${name}:\${NONE:?is needed}`] : []),
    ]);
  }

  /** A file with the service `far`, which extends others there and in one folder more. Returns its path from `folder`. */
  #makeFarFile(folder: string): string {
    const path = 'far/far.yml';
    this.#files[`${folder}${path}`] ??= emit({
      services: {
        far: this.#pick<Value>([
          { extends: 'near', platform: 'arm64' },
          { extends: { service: 'deep', file: 'deep/deep.yml' }, profiles: ['dev'] },
          { image: 'far:${TAG:-0}', volumes: [{ type: 'image', source: 'far-files', target: '/data' }] },
        ]),
        near: { image: 'near:1', build: '.' },
      },
    });
    this.#files[`${folder}far/deep/deep.yml`] = emit({ services: { deep: { image: 'deep:1' } } });
    return path;
  }

  #makeIncludes(folder: string, name: string, depth: number): Value {
    return Array.from({ length: 1 + this.#random.below(2) }, (_, index): Value => {
      const own = `${name}${index}`;
      const place = this.#pick([`${own}/`, '']);
      const file = `${place}${own}.yml`;
      const services = this.#makeServices(`${folder}${place}`, [`${own}-a`, `${own}-b`], false);
      const includes: Record<string, Value> =
        depth > 1 && this.#chance(25)
          ? { include: this.#makeIncludes(`${folder}${place}`, `${own}x`, depth - 1) }
          : {};
      this.#files[`${folder}${file}`] = emit({ ...includes, services, volumes: { data: null } });
      if (place !== '' && this.#chance(50))
        this.#files[`${folder}${place}.env`] = 'TAG=included\nREGISTRY=inc.example';
      if (this.#chance(35)) return file;
      const paths = [file];
      // Which may be beside the file that it overrides or beside the one that includes both.
      const override = this.#pick([undefined, `${own}.over.yml`, `${place}${own}.over.yml`]);
      if (override !== undefined) {
        paths.push(override);
        this.#files[`${folder}${override}`] = emit({ services: { [`${own}-a`]: { image: `over:${own}` } } });
        if (place !== '' && override === `${own}.over.yml` && this.#chance(50)) {
          this.#files[`${folder}${place}${override}`] = emit({
            services: { [`${own}-a`]: { image: 'wrong:1' } },
          });
        }
      }
      this.#files[`${folder}${own}.env`] = 'TAG=own\nNONE=own';
      return {
        path: paths.length === 1 && this.#chance(50) ? file : paths,
        ...(this.#chance(30) && depth > 1 && { project_directory: this.#pick(['.', `./${own}`]) }),
        ...(this.#chance(30) && depth > 1 && { env_file: this.#pick<Value>([`${own}.env`, [`${own}.env`]]) }),
      };
    });
  }

  #makeOverride(names: readonly string[]): string {
    const services: Record<string, Value> = {};
    for (const name of names.filter(() => this.#chance(50))) services[name] = this.#makeChanges();
    if (this.#chance(30)) services['extra'] = { image: this.#makeImage() };
    return Object.keys(services).length === 0 ? 'services: {}' : emit({ services });
  }

  #makeChanges(): Value {
    const reset = new Raw('!reset ', null);
    return this.#pick<Value>([
      { image: this.#makeImage() },
      { image: null, platform: 'linux/arm64/v8' },
      { image: reset, build: '.' },
      { build: { context: './other' } },
      { build: reset, image: this.#makeImage() },
      { profiles: ['prod'] },
      { profiles: reset },
      { profiles: new Raw('!override ', ['dev']) },
      { depends_on: reset, links: reset, network_mode: reset },
      { volumes: [{ type: 'image', source: 'changed:1', target: '/data' }] },
      { volumes: ['./there:/files'] },
      { volumes: reset },
      { volumes: new Raw('!override ', [{ type: 'image', source: 'instead:1', target: '/files' }]) },
      new Raw('!override ', { image: this.#makeImage() }),
      { platform: reset, image: this.#makeImage() },
      { image: '', build: '.' },
      reset,
      { depends_on: { web: reset }, image: this.#makeImage() },
    ]);
  }

  #chance(percent: number): boolean {
    return this.#random.below(100) < percent;
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random.below(list.length)] as T;
  }
}

/** `value` in YAML's flow style, which JSON nearly is, a section a line. */
function emit(value: Readonly<Record<string, Value>>): string {
  return Object.entries(value)
    .map(([key, entry]) => `${key}: ${emitFlow(entry)}`)
    .join('\n');
}

function emitFlow(value: Value): string {
  if (value instanceof Raw) return `${value.before}${value.value === undefined ? '' : emitFlow(value.value)}`;
  if (Array.isArray(value)) return `[${value.map((entry: Value) => emitFlow(entry)).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([key, entry]) => `${JSON.stringify(key).replace('"<<"', '<<')}: ${emitFlow(entry)}`)
    .join(', ')} }`;
}
