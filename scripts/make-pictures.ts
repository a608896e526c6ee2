/**
 * Writes the pictures of the README into docs/images: `npm run pictures -- DIR [--cache FOLDER]`. DIR has r1.tar to
 * r3.tar. The terminal shows a build of r2 after one of r1; the page is what a mount shows after r3 took the place of
 * r2. Blocks of r1 are taken from the cache that is named, which is copied and not changed; without one, r1 is built in
 * full, on a machine with nothing else to do, so that the estimates shown are right. Needs root, FUSE and Chromium.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { renderTerminal } from './render-terminal.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { cache: { type: 'string' } } });
const [corpus] = positionals;
if (corpus === undefined) throw new Error('Wanted: a folder with r1.tar, r2.tar and r3.tar');
const project = dirname(dirname(fileURLToPath(import.meta.url)));
const images = join(project, 'docs/images');
const work = mkdtempSync(join(tmpdir(), 'pictures-'));
/** The folder that the shown commands run in. */
const folder = join(work, 'shop');

try {
  mkdirSync(folder);
  for (const revision of [1, 2, 3])
    symlinkSync(resolve(corpus, `r${revision}.tar`), join(folder, `r${revision}.tar`));
  if (values.cache !== undefined) takeBlocks(values.cache);
  run('bundlefs build --from r1.tar -o images.tar.xz && bundlefs cache gc --keep-last 1');
  writeFileSync(join(images, 'terminal.svg'), renderTerminal(runSession()));
  await writePage(join(images, 'index.png'));
} finally {
  spawnSync(join(project, 'bin/bundlefs'), ['unmount', '--lazy', join(folder, 'stick')]);
  rmSync(work, { recursive: true, force: true });
}

/** What else the cache has tells of other builds. */
function takeBlocks(cache: string): void {
  const target = join(work, 'cache');
  cpSync(cache, target, { recursive: true });
  for (const name of ['builds', 'recipes']) rmSync(join(target, 'v1', name), { recursive: true });
}

function runSession(): string {
  const commands = [
    'bundlefs plan --exact --from r2.tar',
    'bundlefs build --from r2.tar -o images.tar.xz',
    'bundlefs why shop/web:1.0.1',
  ];
  const text = commands.map((command) => `$ ${command}\n${run(command).trimEnd()}\n`).join('\n');
  // Where the pictures happen to be made says nothing to a reader.
  return text.replaceAll(work, '/srv');
}

/** What index.html says of r3 in a mount that showed r2 before. */
async function writePage(path: string): Promise<void> {
  mkdirSync(join(folder, 'stick'));
  run('ln -s r2.tar now.tar && bundlefs mount --from now.tar stick');
  run('ln -sf r3.tar now.tar && bundlefs refresh stick && cp stick/index.html ..');
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 1350 }, colorScheme: 'light' });
    await page.goto(`file://${join(work, 'index.html')}`);
    await page.screenshot({ path });
  } finally {
    await browser.close();
  }
}

/** Runs a line of the shell in the folder, and returns what it printed. */
function run(line: string): string {
  return execFileSync('sh', ['-ec', line], {
    cwd: folder,
    encoding: 'utf8',
    env: {
      ...process.env,
      PATH: `${join(project, 'bin')}:${process.env['PATH'] ?? ''}`,
      BUNDLEFS_CACHE: join(work, 'cache'),
      XDG_STATE_HOME: join(work, 'state'),
    },
  });
}
