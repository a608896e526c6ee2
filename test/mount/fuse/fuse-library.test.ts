/** What is said where something that mounting needs is missing; each is hidden in a mount namespace of the test's own. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { MountBench } from '../support/start-test-daemon.ts';
import { archiveName } from '../support/test-directory.ts';

const run = promisify(execFile);
let bench: MountBench;

beforeAll(async () => {
  bench = await MountBench.create();
  await mkdir(join(bench.folder, 'point'));
});
afterAll(() => bench.remove());

/** Runs `prepare` and then a script with the sources of the mount at hand, both as in another machine. */
async function runElsewhere(prepare: string, body: string): Promise<string> {
  const source = fileURLToPath(new URL('../../../src/mount/fuse/', import.meta.url));
  const script = join(bench.folder, 'script.mts');
  await writeFile(
    script,
    `import { loadFuse } from ${JSON.stringify(join(source, 'fuse-library.ts'))};
     import { mountBundle } from ${JSON.stringify(join(source, 'mount-bundle.ts'))};
     import { createTestDirectory } from ${JSON.stringify(fileURLToPath(new URL('../support/test-directory.ts', import.meta.url)))};
     const mountPoint = ${JSON.stringify(join(bench.folder, 'point'))};
     try { ${body} } catch (error) { console.log(error.code + '|' + error.message + '|' + error.hint); }
     process.exit(0);`,
  );
  const command = `set -e; mount --make-rprivate /; ${prepare}; exec "$@"`;
  const node = [process.execPath, '--import', import.meta.resolve('tsx'), script];
  const { stdout } = await run('unshare', ['-m', 'sh', '-c', command, 'sh', ...node], { timeout: 30_000 });
  return stdout.trim();
}

const hideLibrary =
  "for f in $(ldconfig -p | sed -n 's/.*libfuse.so.2 .*=> //p'); do mount --bind /dev/null $(realpath $f); done";

test('without a libfuse.so.2 of the system, the one that comes with the packages is used, for reads too', async () => {
  const seen = await runElsewhere(
    hideLibrary,
    `const directory = createTestDirectory(1);
     const onError = (error) => console.log(error.message);
     const mount = await mountBundle(() => directory, mountPoint, { onError });
     const { execFile } = await import('node:child_process');
     const { promisify } = await import('node:util');
     // Not with the mount as working folder: this process would wait for its own answer for ever.
     const command = 'cd "$0" && sha256sum -c ${archiveName}.sha256';
     const { stdout } = await promisify(execFile)('sh', ['-c', command, mountPoint]);
     console.log(stdout.trim());
     await mount.unmount();
     console.log('handles', mount.openHandleCount);`,
  );
  expect(seen).toBe(`${archiveName}: OK\nhandles 0`);
});

test('without the addon, the log says that reads take more time, and JavaScript answers them', async () => {
  const addon = fileURLToPath(new URL('../../../build/Release/bundlefs.node', import.meta.url));
  const seen = await runElsewhere(
    `mount --bind /dev/null '${addon}'`,
    `const directory = createTestDirectory(1);
     const onError = (error) => console.log(error.code + '|' + error.message);
     const mount = await mountBundle(() => directory, mountPoint, { onError });
     const { execFile } = await import('node:child_process');
     const { promisify } = await import('node:util');
     const command = 'cd "$0" && sha256sum -c ${archiveName}.sha256';
     const { stdout } = await promisify(execFile)('sh', ['-c', command, mountPoint]);
     console.log(stdout.trim());
     await mount.unmount();`,
  );
  expect(seen).toMatch(/^mount-unavailable\|.*file too short.*; reads of this mount take more time$/m);
  expect(seen).toContain(`${archiveName}: OK`);
});

test('without any libfuse.so.2, it is named with what to install', async () => {
  const requireFromFuse = createRequire(createRequire(import.meta.url).resolve('fuse-native/package.json'));
  const { lib } = requireFromFuse('fuse-shared-library') as { lib: string };
  const seen = await runElsewhere(`${hideLibrary}; mount --bind /dev/null '${lib}'`, 'await loadFuse();');
  expect(seen).toMatch(/^mount-unavailable\|Cannot load "libfuse.so.2": .*\|.*apt-get install libfuse2/);
});

test('without /dev/fuse, it is named with how to get it', async () => {
  const seen = await runElsewhere('mount -t tmpfs none /dev', 'await loadFuse();');
  expect(seen).toMatch(
    /^mount-unavailable\|Cannot use "\/dev\/fuse": it does not exist\|.*modprobe fuse.*docker run --device \/dev\/fuse --cap-add SYS_ADMIN/,
  );
});

test('with a /dev/fuse that cannot be opened, the reason is given', async () => {
  const seen = await runElsewhere('mount -t tmpfs none /dev; mkdir /dev/fuse', 'await loadFuse();');
  expect(seen).toMatch(/^mount-unavailable\|Cannot use "\/dev\/fuse": it cannot be opened \(EISDIR/);
});

test('without fusermount, it is named with what to install', async () => {
  const seen = await runElsewhere('export PATH=/nowhere', 'await loadFuse();');
  expect(seen).toMatch(/^mount-unavailable\|Cannot run "fusermount": .*\|.*apt-get install fuse3/);
});

test('in a worker thread, mounting is refused rather than a crash', async () => {
  const source = fileURLToPath(new URL('../../../src/mount/fuse/fuse-library.ts', import.meta.url));
  const worker = new Worker(
    `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))})
      .then(({ register }) => { register(); return import(${JSON.stringify(source)}); })
      .then(({ loadFuse }) => loadFuse())
      .then(() => 'loaded', (error) => error.name + ': ' + error.message)
      .then((text) => require('node:worker_threads').parentPort.postMessage(text));`,
    { eval: true },
  );
  const text = await new Promise((resolve) => worker.once('message', resolve));
  await worker.terminate();
  expect(text).toMatch(/^TypeError: Cannot mount a bundle in a worker thread/);
});
