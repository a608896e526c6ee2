/** A daemon to test with: serves the test directory; SIGUSR2 publishes the next generation. */
import { existsSync, writeFileSync } from 'node:fs';

import { createBundleDirectory, type BundleDirectory } from '../../../src/mount/fuse/bundle-directory.ts';
import { mountBundle } from '../../../src/mount/fuse/mount-bundle.ts';
import { logError, runDaemon } from '../../../src/mount/fuse/daemon.ts';
import type { TestDaemonSettings } from './start-test-daemon.ts';
import { openTableFile } from './table-file.ts';
import { createTestDirectory } from './test-directory.ts';

const [mountPoint = '', settingsJson = '{}'] = process.argv.slice(2);
const settings = JSON.parse(settingsJson) as TestDaemonSettings;

if (settings.dies === 'at once') process.exit(7);
if (settings.isBusy === true) {
  setInterval(() => {
    const until = performance.now() + 50;
    while (performance.now() < until);
  }, 100);
}

process.on('SIGWINCH', () => {
  const { stallPath } = settings;
  if (stallPath === undefined) return;
  writeFileSync(`${stallPath}.begun`, '');
  while (!existsSync(stallPath)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
});

let generation = 1;
let directory = createDirectory();
process.on('SIGUSR2', () => {
  generation++;
  directory = createDirectory();
  if (settings.dies === 'at signal') throw new Error('nobody catches this');
});

const status = await runDaemon(async (signal) => {
  if (settings.dies === 'by SIGKILL') process.kill(process.pid, 'SIGKILL');
  if (settings.starts === 'never') {
    await new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        reject(signal.reason as Error);
      });
    });
  }
  const mount = await mountBundle(() => directory, mountPoint, {
    signal,
    onError: logError,
    ...(settings.reads === undefined ? {} : { reads: settings.reads }),
  });
  return { mount, payload: { mountPoint: mount.mountPoint } };
}, settings.options);
process.exit(status);

function createDirectory(): BundleDirectory {
  const { tables, openFileLimit } = settings;
  if (tables === undefined) return createTestDirectory(generation);
  return createBundleDirectory(
    Object.entries(tables).map(([name, folder], index) => ({
      kind: 'file',
      name,
      ino: 100 * generation + index,
      mtimeMs: generation * 1000,
      file: openTableFile(folder, openFileLimit),
    })),
    { mtimeMs: generation * 1000 },
  );
}
