/** Runs every command of the pages for people, in order, on a real engine: a page that lies fails here. */
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTempFolder } from '../support/temp-folder.ts';
import { startEngine, type ThrowawayEngine } from '../support/throwaway-engine.ts';
import { makeReader, writeShop } from './make-reader.ts';
import { otherLanguages, pagePath, readBlocks, readCommands, runLanguages } from './read-page.ts';
import { runPage } from './run-page.ts';

const timeout = 600_000;
let folder: string;
let engine: ThrowawayEngine;

beforeAll(async () => {
  folder = await mkdtemp('/tmp/bfs-');
  await writeShop(join(folder, 'shop.tar'));
  engine = await startEngine();
}, timeout);
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** The pages whose commands run here, and the user who types them. */
const pages = new Map([
  ['quick-start.md', 'root'],
  ['without-root.md', 'alice'],
  ['stick.md', 'root'],
  ['build-host.md', 'root'],
  ['live-mount.md', 'root'],
  ['ci.md', 'root'],
  ['troubleshooting.md', 'root'],
  ['doctor.md', 'root'],
  ['views.md', 'root'],
  ['recipes.md', 'root'],
  ['copy.md', 'root'],
  ['transforms.md', 'root'],
]);

/** Those with tests of their own, which check more than that the commands work. */
const elsewhere = new Map([
  ['cache.md', 'test/e2e/gc.test.ts'],
  ['choosing-images.md', 'test/e2e/choosing-images.test.ts'],
  ['explaining.md', 'test/e2e/explain.test.ts'],
  ['offline-target.md', 'test/product/stick/offline-target.test.ts'],
  ['project-file.md', 'test/e2e/choosing-images.test.ts'],
  ['registries.md', 'test/e2e/registries.test.ts'],
]);

describe('every command does what the page says', { timeout }, () => {
  it.each([...pages])('in docs/%s, typed by %s', async (page, user) => {
    const own = await makeTempFolder();
    await makeReader(own, { engine, shop: join(folder, 'shop.tar') });
    const env: Record<string, string> = user === 'root' ? { DOCKER_HOST: engine.host } : {};
    const commands = await readCommands(page);
    expect(commands.length).toBeGreaterThan(0);
    await runPage(page, commands, { folder: own, user, env });
  });
});

describe('the pages', () => {
  const listPages = async (): Promise<string[]> =>
    (await readdir(pagePath('.'))).filter((name) => name.endsWith('.md'));

  it('say of every block what it is, and have no command that no test runs', async () => {
    for (const page of await listPages()) {
      for (const { language, line } of await readBlocks(page)) {
        const where = `docs/${page}:${line} (${language})`;
        expect(runLanguages.has(language) || otherLanguages.has(language), where).toBe(true);
        if (runLanguages.has(language)) expect(pages.has(page) || elsewhere.has(page), where).toBe(true);
      }
    }
  });

  it('have links that lead somewhere', async () => {
    for (const page of await listPages()) {
      const text = await readFile(pagePath(page), 'utf8');
      for (const [, target = '', anchor] of text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
        const path = target === '' ? pagePath(page) : join(pagePath('.'), target);
        await expect(stat(path), `docs/${page} → ${target}`).resolves.toBeDefined();
        if (anchor === undefined) continue;
        expect(anchorsOf(await readFile(path, 'utf8')), `docs/${page} → ${target}#${anchor}`).toContain(
          anchor,
        );
      }
    }
  });

  it('are all in the index', async () => {
    const index = await readFile(pagePath('README.md'), 'utf8');
    for (const page of await listPages()) if (page !== 'README.md') expect(index).toContain(`(${page})`);
  });
});

/** As GitHub makes them of headings. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
