/** One case: its random numbers, its sandbox, and the ways in which kinds use the program. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRandom, type Random } from '../sample/pseudo-content.mjs';
import { type CheckedBundle, checkBundle } from './check-bundle.ts';
import { Finding } from './finding.ts';
import { type Outcome, type Program, runProgram } from './run-program.ts';
import { openSandbox, type Sandbox } from './sandbox.ts';

/** A kind of input. */
export interface Kind {
  readonly name: string;
  /** What is changed, for docs and --help. */
  readonly about: string;
  /** Runs one case. Throws a Finding where a promise was broken. */
  run(fuzz: FuzzCase): Promise<void>;
}

export interface FuzzCase {
  readonly random: Random;
  readonly sandbox: Sandbox;
  /** What was done to the input, in words. */
  readonly changes: string[];
  /** Writes the file `name` of the sandbox and returns its path. */
  readonly write: (name: string, bytes: Uint8Array | string) => string;
  /** Runs a verb, and throws a Finding for an error whose code is not one of `codes`, or a file in `in` or `outside` that has changed. */
  run(args: readonly string[], codes: RegExp, names?: readonly string[]): Promise<Outcome>;
  /** The same for a verb that writes these names into `out`, where it succeeds. */
  make(names: readonly string[], args: readonly string[], codes: RegExp): Promise<Outcome>;
  /** The same for a build into the file `name` of `out`; where it succeeds, the bundle is read by xz and checked. */
  build(name: string, args: readonly string[], codes: RegExp): Promise<Built | undefined>;
}

/** A bundle that was built. */
export interface Built {
  readonly path: string;
  readonly bytes: Buffer;
  readonly content: CheckedBundle;
  readonly outcome: Outcome;
}

/** The codes for what is wrong with an archive, a layout or a stream. */
export const sourceCodes = /^(?:archive|config|layer|xz)-|^image-(?:not-found|unsupported)$/;

export interface RunCaseOptions {
  readonly seed: string;
  readonly index: number;
  /** The folder for the sandbox; must not exist. */
  readonly folder: string;
  readonly program: Program;
}

/** Runs case `index` of `kind`; the same seed and index give the same case. Returns what was changed. Leaves the sandbox where it throws. */
export async function runCase(
  kind: Kind,
  { seed, index, folder, program }: RunCaseOptions,
  changes: string[] = [],
): Promise<void> {
  const sandbox = openSandbox(folder);
  const outputs: string[] = [];
  const fuzz: FuzzCase = {
    random: createRandom(`${seed}/${kind.name}/${index}`),
    sandbox,
    changes,
    write(name, bytes) {
      writeFileSync(sandbox.at(name), bytes);
      return sandbox.at(name);
    },
    async run(args, codes, names = []) {
      sandbox.seal();
      const outcome = await runProgram(program, args);
      const { error } = outcome;
      if (error !== undefined && !codes.test(error.code)) {
        throw new Finding(`bundlefs ${args.join(' ')}: ended with ${error.code} (${error.message})`);
      }
      sandbox.check(error === undefined ? [...outputs, ...names] : outputs);
      return outcome;
    },
    async make(names, args, codes) {
      const outcome = await fuzz.run(args, codes, names);
      if (outcome.error === undefined) outputs.push(...names);
      return outcome;
    },
    async build(name, args, codes) {
      const path = sandbox.at(`out/${name}`);
      const words = ['build', '--no-config', '--preset', '0', ...args, '-o', path];
      const outcome = await fuzz.make(
        [name],
        args.includes('--config') ? words.filter((word) => word !== '--no-config') : words,
        codes,
      );
      if (outcome.error !== undefined) return undefined;
      if (!existsSync(path))
        throw new Finding(`bundlefs ${outcome.args.join(' ')}: ended well, without an output`);
      const content = await checkBundle(path);
      const verified = await fuzz.run(['verify', path], /./);
      if (verified.error !== undefined) {
        throw new Finding(
          `verify of a bundle that was just built: ${verified.error.message}${verified.stdout}`,
        );
      }
      return { path, bytes: readFileSync(path), content, outcome };
    },
  };
  await kind.run(fuzz);
  sandbox.remove();
}
