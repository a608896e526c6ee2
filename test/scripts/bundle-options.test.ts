/** What the bundling of the program makes of `using`: run on Node as dist/ is. */
import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { bundleOptions } from '../../scripts/bundle-options.mjs';
import { makeTempFolder } from '../support/temp-folder.ts';

const run = promisify(execFile);

/** What a turn of a loop does, in each way to write it; turn 0 throws. */
const turns = {
  'in a block': 'try { { await using x = thing(i); turn(i); } good(i); } catch (error) { bad(i, error); }',
  'in a try':
    'let ok = false; try { using x = thing(i); turn(i); ok = true; } catch (error) { bad(i, error); } if (ok) good(i);',
  'in the body of a loop inside':
    'try { for (const j of [i]) { using x = thing(j); turn(j); } good(i); } catch (error) { bad(i, error); }',
  'in a switch':
    'try { switch (i) { default: { using x = thing(i); turn(i); } } good(i); } catch (error) { bad(i, error); }',
  'in a labelled block':
    'try { label: { using x = thing(i); turn(i); break label; } good(i); } catch (error) { bad(i, error); }',
  'in a try with finally':
    'try { try { using x = thing(i); turn(i); } finally { if (i > 5) continue; } good(i); } catch (error) { bad(i, error); }',
  'in a function of its own':
    'try { (() => { using x = thing(i); turn(i); })(); good(i); } catch (error) { bad(i, error); }',
  'as the variable of a loop':
    'try { for (using x of [thing(i)]) turn(i); good(i); } catch (error) { bad(i, error); }',
  'as the awaited variable of a loop':
    'try { for (await using x of [thing(i)]) turn(i); good(i); } catch (error) { bad(i, error); }',
} as const;

const loops = {
  for: (turn: string) => `for (let i = 0; i < 3; i++) { ${turn} }`,
  'for of': (turn: string) => `for (const i of [0, 1, 2]) { ${turn} }`,
  'for in': (turn: string) => `for (const key in [0, 0, 0]) { const i = Number(key); ${turn} }`,
  'for await': (turn: string) => `for await (const i of [0, 1, 2]) { ${turn} }`,
  while: (turn: string) => `let n = 0; while (n < 3) { const i = n++; ${turn} }`,
  'do while': (turn: string) => `let n = 0; do { const i = n++; ${turn} } while (n < 3);`,
  'a loop in a loop': (turn: string) => `let n = 0; while (n < 3) for (const i of [n++]) { ${turn} }`,
};

const program = (bodies: readonly string[]): string => `
type Case = (said: string[]) => Promise<void>;
const cases: Case[] = [];
${bodies.map(toCase).join('\n')}
const all: string[][] = [];
for (const run of cases) { const said: string[] = []; await run(said); all.push(said); }
console.log(JSON.stringify(all));
export {};
`;

const toCase = (body: string): string => `cases.push(async (said) => {
  const thing = (i: number) => ({
    [Symbol.dispose]() { said.push('gone ' + i); },
    async [Symbol.asyncDispose]() { said.push('gone ' + i); },
  });
  const turn = (i: number) => { if (i === 0) throw new Error('of turn 0'); };
  const good = (i: number) => { said.push('good ' + i); };
  const bad = (i: number, error: unknown) => { said.push('bad ' + i + ': ' + String(error)); };
  ${body}
});`;

describe('using in a loop, in a bundled program', () => {
  test('the error of one turn is not thrown by the turns after it, whichever the loop', async () => {
    const cases = Object.entries(loops).flatMap(([loop, write]) =>
      Object.entries(turns).map(([where, turn]) => ({ title: `${loop}: ${where}`, body: write(turn) })),
    );
    const folder = await makeTempFolder();
    const entry = join(folder, 'loops.ts');
    await writeFile(entry, program(cases.map(({ body }) => body)));
    await build({ ...bundleOptions, entryPoints: [entry], outdir: join(folder, 'out') });
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    const { stdout } = await run(process.execPath, [join(folder, 'out/loops.js')]);
    const said = JSON.parse(stdout) as unknown[];
    const right = ['gone 0', 'bad 0: Error: of turn 0', 'gone 1', 'good 1', 'gone 2', 'good 2'];
    expect(Object.fromEntries(cases.map(({ title }, index) => [title, said[index]]))).toEqual(
      Object.fromEntries(cases.map(({ title }) => [title, right])),
    );
  });
});

describe('dist/', () => {
  test('no using was lowered by esbuild, and none is left', async () => {
    const dist = fileURLToPath(new URL('../../dist/cli/', import.meta.url));
    const names = (await readdir(dist)).filter((name) => name.endsWith('.js'));
    const texts = await Promise.all(names.map((name) => readFile(join(dist, name), 'utf8')));
    expect(texts.filter((text) => text.includes('__disposeResources(')).length).toBeGreaterThan(10);
    expect(texts.filter((text) => /__callDispose|^\s*(await )?using \w+ =/m.test(text))).toEqual([]);
  });
});
