import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { buildOddImages, buildSampleImages } from '../../fixtures/sample-images.ts';
import { writeHybridArchive } from '../../fixtures/write-hybrid-archive.ts';
import { runCliOk } from '../../support/run-cli.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { startEngine } from '../../support/throwaway-engine.ts';
import { runScript } from './run-script.ts';

it.each([[[]], [['--max-file-size', '200K']]])(
  'what a mount shows is verified and loaded by its own scripts after cp -r (%j)',
  async (partOptions) => {
    const folder = await makeTempFolder();
    const mountPoint = join(folder, 'mount');
    await mkdir(mountPoint);
    await writeHybridArchive(join(folder, 'images.tar'), [
      ...(await buildSampleImages()),
      ...(await buildOddImages()),
    ]);
    const cache = join(folder, 'cache');
    await runCliOk(['mount', '--from', join(folder, 'images.tar'), ...partOptions, mountPoint], { cache });
    let isMounted = true;
    const unmount = async (): Promise<void> => {
      if (isMounted) await runCliOk(['unmount', mountPoint]);
      isMounted = false;
    };
    onTestFinished(unmount);
    const stick = join(folder, 'stick');
    execFileSync('cp', ['-r', mountPoint, stick]);
    await unmount();
    execFileSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: stick });
    const verified = await runScript(join(stick, 'verify.sh'), [], { shell: 'busybox' });
    expect(verified.status, verified.said).toBe(0);
    await using engine = await startEngine();
    const options = { engines: ['docker'], env: { DOCKER_HOST: engine.host } };
    const loaded = await runScript(join(stick, 'load.sh'), [], options);
    expect(loaded.status, loaded.said).toBe(0);
    expect(loaded.said).toContain('Done: 10 image names are there');
  },
  240_000,
);
