/** Where a benchmark runs: the program, the archives, and a folder for all that it makes. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Measure, measure } from './measure.ts';

const project = dirname(dirname(fileURLToPath(import.meta.url)));

/** The program as users run it. */
export const bundlefs = join(project, 'bin/bundlefs');

export interface Setting {
  /** Empty at first; removed at the end. */
  readonly work: string;
  /** The cache that all groups share, in `work`. */
  readonly cache: string;
  /** `r1.tar`, `r2.tar` … of one set of images, as far as they exist. */
  readonly revisions: readonly string[];
}

/** What `bundlefs build --json` prints, as far as it is needed here. */
export interface BuildReport {
  readonly images: readonly { readonly names: readonly string[] }[];
  readonly bundle: { readonly size: number };
  readonly blocks: { readonly total: number; readonly encoded: number };
  readonly bytes: { readonly uncompressed: number; readonly encoded: number };
}

/** The setting in `work` for the archives of `folder`, or for the demo's sample where there is none. */
export function createSetting(
  work: string,
  folder: string | undefined,
  cache = join(work, 'cache'),
): Setting {
  const source = folder === undefined ? join(work, 'sample') : resolve(folder);
  if (folder === undefined) {
    mkdirSync(source);
    const script = join(project, 'sample/make-sample.mjs');
    const made = spawnSync(process.execPath, [script, source], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(made.stderr);
  }
  const revisions = [1, 2, 3, 4].map((number) => join(source, `r${number}.tar`)).filter(existsSync);
  if (revisions.length < 2) throw new Error(`There is no r1.tar and r2.tar in "${source}"`);
  return { work, cache, revisions };
}

/** Whether a bundle or archive is too small for its figures to be more than those of starting programs. */
export function isSmall(path: string): boolean {
  return statSync(path).size < 100e6;
}

/** The bundle of the first revision: the one that builds left, or made now. */
export function fullBundle(setting: Setting): string {
  const path = join(setting.work, 'full.tar.xz');
  const [first = ''] = setting.revisions;
  if (!existsSync(path)) build(setting, first, 'full');
  return path;
}

/** Runs `bundlefs build` from `source` to `<work>/<name>.tar.xz`. */
export function build(
  { work, cache }: Pick<Setting, 'work' | 'cache'>,
  source: string,
  name: string,
  options = '',
): { readonly run: Measure; readonly report: BuildReport } {
  const run = measure(
    `${bundlefs} build --from ${source} -o ${work}/${name}.tar.xz --cache ${cache} --json ${options}`,
  );
  return { run, report: JSON.parse(run.output) as BuildReport };
}
