/** Runs the shell steps of the recipes in docs/ci as their services would: twice, with an empty workspace and a kept cache. */
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { makeTempFolder } from '../support/temp-folder.ts';
import { programPath } from '../support/run-cli.ts';
import { startEngine, type ThrowawayEngine } from '../support/throwaway-engine.ts';
import { makeReader, writeShop } from './make-reader.ts';
import { pagePath } from './read-page.ts';
import { runPage } from './run-page.ts';

const timeout = 600_000;
const project = dirname(dirname(programPath));
let folder: string;
let engine: ThrowawayEngine;

/** What is run of a recipe, and what of the workspace its service keeps. */
interface Recipe {
  readonly steps: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly kept: readonly string[];
}

interface GithubStep {
  readonly uses?: string;
  readonly run?: string;
  readonly if?: string;
  readonly with?: Readonly<Record<string, string>>;
}

interface GitlabJob {
  readonly variables: Readonly<Record<string, string>>;
  readonly cache: readonly { readonly paths: readonly string[] }[];
  readonly before_script: readonly string[];
  readonly script: readonly string[];
  readonly after_script: readonly string[];
}

beforeAll(async () => {
  folder = await mkdtemp('/tmp/bfs-');
  await writeShop(join(folder, 'shop.tar'));
  await cloneProject(join(folder, 'clone'));
  engine = await startEngine();
}, timeout);
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** A checkout of this project as it is now, to be set up by the recipes: with the packages, but without the program. */
async function cloneProject(path: string): Promise<void> {
  await mkdir(path);
  for (const name of ['bin', 'src', 'native', 'scripts', 'stick', 'build', 'binding.gyp', 'package.json'])
    await cp(join(project, name), join(path, name), { recursive: true });
  await cp(join(project, 'package-lock.json'), join(path, 'package-lock.json'));
  await symlink(join(project, 'node_modules'), join(path, 'node_modules'));
}

const recipeText = (name: string): Promise<string> => readFile(pagePath(`ci/${name}`), 'utf8');

async function readGithubSteps(): Promise<{ steps: GithubStep[]; env: Record<string, string> }> {
  const { jobs } = parse(await recipeText('github-actions.yml')) as {
    jobs: { bundle: { steps: GithubStep[]; env: Record<string, string> } };
  };
  return jobs.bundle;
}

/** Each step has a shell of its own, in the workspace. */
const ownShell = (script: string): string => `(\n${script}\n)`;

async function readGithub(): Promise<Recipe> {
  const { steps, env } = await readGithubSteps();
  const path = 'PATH="$(cat "$GITHUB_PATH"):$PATH"\n'; // as the service does between steps
  return {
    steps: steps.flatMap(({ run }) => (run === undefined ? [] : [ownShell(path + run)])),
    env: { ...env, GITHUB_PATH: '../path' },
    kept: ['.bundlefs', '.bundlefs-cache'],
  };
}

async function readGitlab(): Promise<Recipe> {
  const recipe = parse(await recipeText('gitlab-ci.yml')) as { 'offline-bundle': GitlabJob };
  const job = recipe['offline-bundle'];
  return {
    steps: [...job.before_script, ...job.script, ...job.after_script],
    env: job.variables,
    kept: job.cache.flatMap(({ paths }) => paths.map((path) => path.replace(/\/$/, ''))),
  };
}

async function readJenkins(): Promise<Recipe> {
  const text = await recipeText('Jenkinsfile');
  const steps = [...text.matchAll(/^\s*sh (?:'''([^]*?)'''|'([^'\n]*)')$/gm)];
  const settings = /environment \{([^}]*)\}/.exec(text)?.[1] ?? '';
  return {
    steps: steps.map(([, long, short]) => ownShell(long ?? short ?? '')),
    env: Object.fromEntries(
      [...settings.matchAll(/^\s*(\w+) = '([^']*)'$/gm)].map(([, key = '', value = '']) => [key, value]),
    ),
    kept: [],
  };
}

/** Runs a recipe in a fresh workspace; what the service keeps of it goes to `kept`, and comes from there. */
async function runRecipe(name: string, recipe: Recipe, kept: string): Promise<string> {
  const own = await makeTempFolder();
  await makeReader(own, { engine, shop: join(folder, 'shop.tar') });
  await mkdir(kept, { recursive: true });
  for (const path of recipe.kept)
    await rename(join(kept, path), join(own, 'work', path)).catch(() => undefined);
  await writeFile(join(own, 'path'), '');
  const workspace = join(own, 'work');
  const env = Object.fromEntries(
    Object.entries(recipe.env).map(([key, value]) => [
      key,
      value.replace(/\$\{\{ github.workspace \}\}|\$CI_PROJECT_DIR/, workspace),
    ]),
  );
  const commands = recipe.steps.map((script, index) => ({
    line: index + 1,
    script,
    byRoot: false,
    shown: [],
  }));
  const outputs = await runPage(`ci/${name}`, commands, {
    folder: own,
    env: { DOCKER_HOST: engine.host, XDG_CACHE_HOME: join(kept, 'agent'), ...env },
  });
  for (const path of recipe.kept) await rename(join(workspace, path), join(kept, path));
  return outputs.join('\n');
}

describe('the recipes of docs/ci', { timeout }, () => {
  it.each([
    ['github-actions.yml', readGithub],
    ['gitlab-ci.yml', readGitlab],
    ['Jenkinsfile', readJenkins],
  ])('%s builds a sound bundle, and the second run compresses nothing', async (name, read) => {
    const recipe = await read();
    const kept = join(folder, `kept-${name}`);
    expect(recipe.steps.length).toBeGreaterThan(4);
    await mkdir(kept);
    if (name !== 'Jenkinsfile') await rename(join(folder, 'clone'), join(kept, '.bundlefs'));
    const first = await runRecipe(name, recipe, kept);
    expect(first).toMatch(/images\.tar\.xz: sound/);
    expect(first).not.toContain('(0 B newly encoded');
    const second = await runRecipe(name, recipe, kept);
    expect(second).toMatch(/images\.tar\.xz: sound/);
    expect(second).toContain('(0 B newly encoded');
    // With the program that it has compiled, for the next recipe.
    if (name !== 'Jenkinsfile') await rename(join(kept, '.bundlefs'), join(folder, 'clone'));
  });

  it('github-actions.yml restores the cache before it builds, and saves it under a new key even after a failure', async () => {
    const { steps, env } = await readGithubSteps();
    const find = (pattern: RegExp): number =>
      steps.findIndex(({ uses = '', run = '' }) => pattern.test(uses + run));
    const [restore, save] = [find(/cache\/restore@/), find(/cache\/save@/)];
    expect(restore).toBeGreaterThan(0);
    expect(restore).toBeLessThan(find(/bundlefs build/));
    expect(save).toBeGreaterThan(find(/bundlefs cache gc/));
    expect(steps[save]?.if).toBe('always()');
    expect(steps[save]?.with?.['key']).toBe(steps[restore]?.with?.['key']);
    const { key = '', path = '', 'restore-keys': prefix = 'none' } = steps[restore]?.with ?? {};
    expect(key.startsWith(prefix) && key !== prefix).toBe(true);
    expect(env['BUNDLEFS_CACHE']).toBe(`\${{ github.workspace }}/${path}`);
  });
});
