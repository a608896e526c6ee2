/** Runs every command of the pages for people, in order, on a real engine: a page that lies fails here. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { startEngine, type ThrowawayEngine } from '../support/throwaway-engine.ts';
import { readCommands } from './read-page.ts';
import { runPage } from './run-page.ts';

const run = promisify(execFile);
const timeout = 240_000;
let archives: string;
let engine: ThrowawayEngine;

beforeAll(async () => {
  archives = await mkdtemp('/tmp/bfs-');
  const names = { web: 'shop/web:1', worker: 'shop/api:1', db: 'shop/db:5' };
  for (const revision of [1, 2] as const) {
    const images = await buildSampleImages({ revision, scale: 3 });
    const renamed = images.map((image) => ({ ...image, tags: [names[image.name as keyof typeof names]] }));
    await writeLegacyArchive(join(archives, `r${revision}.tar`), renamed);
  }
  engine = await startEngine();
}, timeout);
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(archives, { recursive: true, force: true });
});

/** A reader's folder with what the pages take as given: images in the engine, and the source of one of them. */
async function makeReader(): Promise<string> {
  const folder = await makeTempFolder();
  await engine.docker('load', '-q', '-i', join(archives, 'r1.tar'));
  await mkdir(join(folder, 'work/web'), { recursive: true });
  await writeFile(join(folder, 'work/web/Dockerfile'), 'FROM shop/web:1\nCOPY motd /etc/motd\n');
  await writeFile(join(folder, 'work/web/motd'), 'second release\n');
  await run('cp', [join(archives, 'r1.tar'), join(folder, 'work/images.tar')]);
  return folder;
}

describe('every command does what the page says', { timeout }, () => {
  it.each(['quick-start.md'])('in docs/%s', async (page) => {
    const folder = await makeReader();
    await runPage(page, await readCommands(page), { folder, env: { DOCKER_HOST: engine.host } });
  });

  it('in docs/without-root.md, to a user and to root', async () => {
    const folder = await makeReader();
    const page = 'without-root.md';
    await runPage(page, await readCommands(page), { folder, user: 'alice' });
  });
});
