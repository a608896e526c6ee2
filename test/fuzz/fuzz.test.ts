/** A few cases of every kind, always the same ones; `npm run fuzz` goes on where they end. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { kinds } from '../../fuzz/kinds.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const casesOfEach = 5;

function run(args: readonly string[]): { readonly status: number | null; readonly stdout: string } {
  const words = ['--import', 'tsx', 'fuzz/run.ts', ...args];
  return spawnSync(process.execPath, words, { cwd: project, encoding: 'utf8' });
}

test('the first cases of seed 1 break no promise', () => {
  const args = ['--seed', '1', '--cases', String(casesOfEach)];
  const { status, stdout } = run(args);
  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: expect.stringContaining(`${casesOfEach * kinds.length} cases in`) as string,
  });
});

test('a kind that is unknown is said to be', () => {
  expect(run(['--seed', '1', '--case', 'no-such-kind:0'])).toMatchObject({
    status: 1,
    stdout: expect.stringContaining('There is no kind "no-such-kind"') as string,
  });
});
