import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, afterAll, describe, expect, it } from 'vitest';
import { buildSampleImages } from '../../fixtures/sample-images.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { startEngine } from '../../support/throwaway-engine.ts';
import { makeStick, scriptFolder } from './make-stick.ts';
import { tools } from './run-script.ts';

let folder: string;
let page: string;
let scripts: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bfs-'));
  await makeStick(join(folder, 'stick'), await buildSampleImages());
  page = await readFile(join(scriptFolder, '../docs/offline-target.md'), 'utf8');
  scripts = (
    await Promise.all(['load.sh', 'verify.sh'].map((name) => readFile(join(scriptFolder, name), 'utf8')))
  ).join('\n');
}, 180_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('docs/offline-target.md', () => {
  it('has commands that run as they stand there', async () => {
    const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
    expect(blocks.length).toBeGreaterThan(3);
    await using engine = await startEngine();
    const stick = join(await makeTempFolder(), 'stick');
    await cp(join(folder, 'stick'), stick, { recursive: true });
    const env = { ...process.env, DOCKER_HOST: engine.host };
    for (const line of blocks.flatMap((block) => block.trim().split('\n')))
      execFileSync('sh', ['-c', line], { cwd: stick, env, stdio: 'pipe' });
    expect(await engine.docker('images')).toContain('tiny/web');
  }, 240_000);

  it('explains every message that the scripts end with', () => {
    const messages = [...scripts.matchAll(/(Cannot [a-z]+(?: [a-z]+)*)( "[A-Za-z0-9.]+")?/g)].map(
      ([, words = '', quoted = '']) => words + quoted,
    );
    expect(messages.length).toBeGreaterThan(20);
    for (const message of messages) {
      // What stands behind a name that differs is written with an ellipsis in the page.
      expect(page.replace(/`/g, ''), message).toContain(message);
    }
  });

  it('explains every fault of a file', () => {
    const faults = [...scripts.matchAll(/problem "(?:\$\w+ |\$\([^)]*\) )?([A-Za-z][^:$"]*)/g)].map(
      ([, words = '']) => words.trim(),
    );
    expect(faults.length).toBeGreaterThan(10);
    for (const fault of faults) expect(page, fault).toContain(fault);
  });

  it('names every exit status and every tool that is used', () => {
    for (const [, status = ''] of scripts.matchAll(/\bfail (\d+)|^ {2}(\d+) {2}/gm))
      expect(page).toMatch(new RegExp(`^\\| ${status || '0'} `, 'm'));
    for (const tool of tools) expect(page).toMatch(new RegExp(`\\b${tool}\\b`));
  });
});
