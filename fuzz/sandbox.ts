/** The folders of one case, and what must not have changed in them when it is over. */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../sample/make-image.mjs';
import { Finding } from './finding.ts';

export interface Sandbox {
  /** The working folder of the case; all others are in it. */
  readonly root: string;
  /** A path in it. */
  at(name: string): string;
  /** Remembers all of `in` and `outside`, when the case has written its input. */
  seal(): void;
  /**
   * Throws a Finding where a file of `in` or `outside` has changed since, where a temporary file was left, or where `out`
   * holds another name than those of `outputs`.
   */
  check(outputs: readonly string[]): void;
  remove(): void;
}

const folders = ['in', 'out', 'outside', 'cache', 'home', 'tmp'] as const;

/** A sandbox in the new folder `root`, and the environment of this process in it: no engine, nobody's cache and home. */
export function openSandbox(root: string): Sandbox {
  for (const folder of folders) mkdirSync(join(root, folder), { recursive: true });
  const at = (name: string): string => join(root, name);
  writeFileSync(at('outside/precious'), 'of another user\n');
  enter(root);
  let sealed = new Map<string, string>();
  return {
    root,
    at,
    seal() {
      sealed = takeStock(root);
    },
    check(outputs) {
      const found = takeStock(root);
      for (const [path, state] of sealed) {
        if (found.get(path) !== state)
          throw new Finding(`"${path}" was ${found.has(path) ? 'changed' : 'removed'}`);
      }
      for (const path of found.keys()) if (!sealed.has(path)) throw new Finding(`"${path}" was written`);
      const left = [
        ...readdirSync(at('out')).filter((name) => !outputs.includes(name)),
        ...readdirSync(at('tmp')),
      ];
      if (left.length > 0) throw new Finding(`left behind: ${left.join(', ')}`);
    },
    remove() {
      process.chdir('/');
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function enter(root: string): void {
  process.chdir(root);
  for (const name of Object.keys(process.env)) {
    if (/^(?:BUNDLEFS|DOCKER|COMPOSE|XDG|REGISTRY)_/.test(name)) Reflect.deleteProperty(process.env, name);
  }
  Object.assign(process.env, {
    HOME: join(root, 'home'),
    TMPDIR: join(root, 'tmp'),
    XDG_STATE_HOME: join(root, 'home/state'),
    BUNDLEFS_CACHE: join(root, 'cache'),
    DOCKER_HOST: `unix://${join(root, 'no-engine.sock')}`,
  });
}

/** Every path of `in` and `outside`, with what is there. */
function takeStock(root: string): Map<string, string> {
  const stock = new Map<string, string>();
  const visit = (path: string): void => {
    const info = lstatSync(join(root, path));
    if (info.isDirectory()) for (const name of readdirSync(join(root, path))) visit(join(path, name));
    stock.set(path, describe(join(root, path), info));
  };
  visit('in');
  visit('outside');
  return stock;
}

function describe(path: string, info: ReturnType<typeof lstatSync>): string {
  const kind = `${(info?.mode ?? 0).toString(8)} ${info?.mtimeMs ?? 0}`;
  if (info?.isSymbolicLink() === true) return `${kind} ${readlinkSync(path)}`;
  return info?.isFile() === true ? `${kind} ${sha256(readFileSync(path))}` : kind.replace(/ .*/, '');
}
