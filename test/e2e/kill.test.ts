import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import { runCli, runCliOk } from '../support/run-cli.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

const killCount = 100;
const mostTries = 300;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Shares of a run's length, in an order that looks random and is the same every time. */
function shareAt(index: number): number {
  return ((index * 37 + 11) % killCount) / killCount;
}

async function timeBuild(args: readonly string[], cache: string): Promise<number> {
  const startMs = performance.now();
  await runCliOk(args, { cache });
  return performance.now() - startMs;
}

async function listLeftovers(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.endsWith('.partial'));
}

describe('kill -9 in the middle of a build', () => {
  it(
    `leaves a cache from which the next build goes on, at ${killCount} moments`,
    { timeout: 1_200_000 },
    async () => {
      const folder = await makeTempFolder();
      const archive = join(folder, 'images.tar');
      const output = join(folder, 'images.tar.xz');
      const cache = join(folder, 'cache');
      await writeLegacyArchive(archive, await buildSampleImages({ scale: 6 }));
      const args = ['build', '--from', archive, '-o', output, '--preset', '1'];
      let durationMs = await timeBuild(args, cache);
      await runCliOk(['verify', output]);
      const wanted = sha256(await readFile(output));

      // A machine that is busy with other things makes the moments miss: then there are more tries, and not fewer kills.
      let killedCount = 0;
      for (let index = 0; killedCount < killCount && index < mostTries; index += 1) {
        await rm(cache, { recursive: true, force: true });
        const momentMs = shareAt(index) * durationMs;
        const killed = await runCli(args, {
          cache,
          onStart: (child) => setTimeout(() => child.kill('SIGKILL'), momentMs),
        });
        if (killed.status === 'SIGKILL') killedCount += 1;
        expect(sha256(await readFile(output))).toBe(wanted); // the one of the run before, whole
        await rm(output);
        durationMs = (durationMs + (await timeBuild(args, cache))) / 2;
        expect(sha256(await readFile(output))).toBe(wanted);
        expect(await listLeftovers(folder)).toEqual([]);
      }
      expect(killedCount).toBe(killCount);
    },
  );
});
