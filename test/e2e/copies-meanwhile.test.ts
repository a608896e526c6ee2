/** What bench/watch.ts does with seven real images, on small ones: copies of a mount that goes from generation to generation. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import { waitUntil } from '../mount/support/start-test-daemon.ts';
import { runScript } from '../product/stick/run-script.ts';
import {
  copyFolder,
  type CopyLoop,
  copyMethods,
  hashInSteps,
  hashPath,
  startCopyLoop,
} from '../support/copies.ts';
import { createLiveBench, type LiveBench } from '../support/live-bench.ts';
import { startEngine, type ThrowawayEngine } from '../support/throwaway-engine.ts';

const repositories = ['copies/web', 'copies/worker', 'copies/db'] as const;
const images = repositories.map((name) => `${name}:live`);
const revisions = [1, 2, 3, 4] as const;

it('every copy made while tags move is of one generation; what is copied then verifies and loads elsewhere', async () => {
  const bench = await createLiveBench();
  const mnt = await bench.mountPoint();
  await using engine = await startEngine();
  await loadRevisions(engine, bench);
  await retag(engine, 1);
  const from = ['--from', `docker:${engine.host}`, '--preset', '0'];
  await bench.runOk(['mount', '--watch', ...from, '--settle', '3', '--nice', '0', ...images, mnt]);

  const loop = startCopyLoop(mnt, join(bench.folder, 'copy'));
  onTestFinished(() => loop.stop());
  const shown = [(await bench.status(mnt)).generation.sha256];
  const slowReads: Promise<string>[] = [];
  for (const revision of revisions.slice(1)) {
    await waitForCopy(loop);
    if (revision < 4) slowReads.push(readAcrossTwo(bench, mnt));
    const { number } = (await bench.status(mnt)).generation;
    await retag(engine, revision);
    // Should the machine be so busy that tags move too slowly, there are generations of some of them in between.
    const ids = await idsOf(engine, revision);
    const status = await bench.waitFor(
      mnt,
      `revision ${revision}`,
      ({ generation }) => generation.number > number && generation.images.every(({ id }) => ids.includes(id)),
    );
    shown.push(status.generation.sha256);
  }
  await waitForCopy(loop);
  await loop.stop();
  expect(await Promise.all(slowReads)).toEqual(shown.slice(0, 2));

  for (const [index, revision] of revisions.entries()) {
    await retag(engine, revision);
    const output = join(bench.folder, 'built.tar.xz');
    await bench.runOk(['build', ...from, ...images, '-o', output]);
    expect(await hashPath(output)).toBe(shown[index]);
  }
  const copied = loop.finished.map(({ sha256 }) => sha256);
  expect(copied.length).toBeGreaterThanOrEqual(4);
  expect(copied.filter((sha256) => !shown.includes(sha256))).toEqual([]);
  // Whoever copied across a change is told so; who did not has a whole stick.
  expect(loop.finished.at(-1)).toEqual({ sha256: shown[3], isWhole: true });
}, 300_000);

it.each(copyMethods)(
  'the folder copied by %s passes its own scripts on a machine without Node',
  async (method) => {
    const bench = await createLiveBench();
    const mnt = await bench.mountPoint();
    const archive = join(bench.folder, 'images.tar');
    await writeLegacyArchive(archive, await buildSampleImages());
    await bench.runOk(['mount', '--watch', '--from', archive, '--preset', '0', mnt]);
    const stick = join(bench.folder, 'stick');
    await copyFolder(method, mnt, stick);
    await bench.runOk(['unmount', mnt]);
    for (const shell of ['dash', 'busybox'] as const) {
      const verified = await runScript(join(stick, 'verify.sh'), [], { shell });
      expect(verified.status, verified.said).toBe(0);
      await using engine = await startEngine();
      const options = { shell, engines: ['docker'], env: { DOCKER_HOST: engine.host } };
      const loaded = await runScript(join(stick, 'load.sh'), [], options);
      expect(loaded.status, loaded.said).toBe(0);
      expect(loaded.said).toContain('Done: 4 image names are there');
    }
  },
  240_000,
);

/** Loads all revisions and tags their images `:r1`, `:r2` … */
async function loadRevisions(engine: ThrowawayEngine, bench: LiveBench): Promise<void> {
  for (const revision of revisions) {
    const archive = join(bench.folder, 'load.tar');
    const made = await buildSampleImages({ revision });
    await writeLegacyArchive(archive, made);
    await engine.docker('load', '-q', '-i', archive);
    for (const [index, { tags }] of made.entries())
      await engine.docker('tag', tags[0] ?? '', `${repositories[index] ?? ''}:r${revision}`);
  }
  await rm(join(bench.folder, 'load.tar'));
}

async function retag(engine: ThrowawayEngine, revision: number): Promise<void> {
  for (const name of repositories) await engine.docker('tag', `${name}:r${revision}`, `${name}:live`);
}

async function idsOf(engine: ThrowawayEngine, revision: number): Promise<string[]> {
  const names = repositories.map((name) => `${name}:r${revision}`);
  return (await engine.docker('inspect', '-f', '{{.Id}}', ...names)).trim().split('\n');
}

/** Reads the bundle through one handle, the second half of it only when two more generations are there. */
async function readAcrossTwo(bench: LiveBench, mnt: string): Promise<string> {
  const { number, size } = (await bench.status(mnt)).generation;
  return hashInSteps(join(mnt, 'images.tar.xz'), {
    stepSize: 10_000,
    async beforeStep(position) {
      if (position < size / 2) return;
      await waitUntil(
        'two more generations',
        async () => (await bench.status(mnt)).generation.number >= number + 2,
        { timeoutMs: 120_000 },
      );
    },
  });
}

/** Waits until one more copy has begun and ended. */
async function waitForCopy(loop: CopyLoop): Promise<void> {
  const wanted = loop.finished.length + 2;
  const isThere = (): boolean => {
    loop.failIfBroken();
    return loop.finished.length >= wanted;
  };
  await waitUntil('a copy', isThere, { timeoutMs: 60_000 });
}
