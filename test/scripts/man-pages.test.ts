import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createManPages, type ManPage } from '../../scripts/man/man-pages.ts';
import { exitStatusTexts } from '../../scripts/man/sections.ts';
import { exitStatus } from '../../src/cli/exit-status.ts';
import { createProgram } from '../../src/cli/main.ts';
import { readVersion } from '../../src/request/version.ts';

const run = promisify(execFile);
const manFolder = fileURLToPath(new URL('../../man/', import.meta.url));
let folder: string;
let pages: readonly ManPage[];

beforeAll(async () => {
  folder = await mkdtemp('/tmp/bfs-');
  pages = createManPages(createProgram(new AbortController().signal), readVersion());
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What groff says against a page, and what `man` shows of it. */
async function show(text: string): Promise<{ warnings: string; shown: string }> {
  const path = join(folder, 'page.1');
  await writeFile(path, text);
  const { stderr } = await run('groff', ['-man', '-ww', '-Tutf8', '-z', path]);
  const env = { ...process.env, MANWIDTH: '100', MAN_KEEP_FORMATTING: '' };
  const { stdout } = await run('man', ['--warnings', '-l', path], { env });
  return { warnings: stderr, shown: stdout };
}

describe('man/', () => {
  it('is what npm run man writes', async () => {
    expect((await readdir(manFolder)).sort()).toEqual(pages.map(({ fileName }) => fileName).sort());
    for (const { fileName, text } of pages) {
      expect(await readFile(join(manFolder, fileName), 'utf8'), `${fileName}: npm run man`).toBe(text);
    }
  });

  it('has a page of the program and of every verb, each without a warning of groff', async () => {
    expect(pages.map(({ fileName }) => fileName)).toEqual(
      expect.arrayContaining(['bundlefs.1', 'bundlefs-build.1', 'bundlefs-cache-gc.1']),
    );
    for (const { fileName, text } of pages) {
      const { warnings, shown } = await show(text);
      expect(warnings, fileName).toBe('');
      for (const title of ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'EXIT STATUS', 'SEE ALSO']) {
        expect(shown, fileName).toContain(`\n${title}\n`);
      }
    }
  });

  it('says of every exit status what it means', () => {
    const statuses = [...new Set([0, 1, 10, ...Object.values(exitStatus)])].sort((a, b) => a - b);
    expect(Object.keys(exitStatusTexts).map(Number)).toEqual(statuses);
  });

  it('is where npm looks for manual pages, and in the package', async () => {
    const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
    expect(JSON.parse(text)).toMatchObject({
      directories: { man: 'man' },
      files: expect.arrayContaining(['man']) as unknown,
    });
  });
});

it('createManPages shows every character as it was written, also what roff gives a meaning', async () => {
  const awkward = 'C:\\new \\fBx\\fR "a" \'b\' `c` ^d ~/e --long-dash %f $G';
  const program = new Command('tool').description('is a tool');
  program
    .command('verb')
    .description('does it')
    .option('--odd <v>', awkward)
    .addHelpText('after', `\n.leading dot\n\nExamples:\n  'tool verb' --odd\n  .hidden --file\n  a\\nb`);
  const verb = createManPages(program, '1.0.0-x')[1];
  const { warnings, shown } = await show(verb?.text ?? '');
  expect(warnings).toBe('');
  expect(shown.replace(/\s+/g, ' ')).toContain(awkward);
  expect(shown).toMatch(/^ +\.leading dot$/m);
  expect(shown).toMatch(/^ +'tool verb' --odd\n +\.hidden --file\n +a\\nb$/m);
});
