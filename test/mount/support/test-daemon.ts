/** A daemon to test with: serves the test directory; SIGUSR2 publishes the next generation. */
import { mountBundle } from '../../../src/mount/mount-bundle.ts';
import { logError, runDaemon } from '../../../src/mount/daemon.ts';
import { createTestDirectory } from './test-directory.ts';
import type { TestDaemonSettings } from './start-test-daemon.ts';

const [mountPoint = '', settingsJson = '{}'] = process.argv.slice(2);
const settings = JSON.parse(settingsJson) as TestDaemonSettings;

if (settings.dies === 'at once') process.exit(7);
if (settings.isBusy === true) {
  setInterval(() => {
    const until = performance.now() + 50;
    while (performance.now() < until);
  }, 100);
}

let generation = 1;
let directory = createTestDirectory(generation);
process.on('SIGUSR2', () => {
  directory = createTestDirectory(++generation);
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
  const mount = await mountBundle(() => directory, mountPoint, { signal, onError: logError });
  return { mount, payload: { mountPoint: mount.mountPoint } };
}, settings.options);
process.exit(status);
