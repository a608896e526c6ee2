/** How the tests run: each file in its own process, for the addon and mounts must not share one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { noSkipsReporter } from './test/support/no-skips-reporter.ts';

// What this user knows of caches must not be what the tests know.
const state = mkdtempSync(join(tmpdir(), 'bfs-state-'));
process.on('exit', () => {
  rmSync(state, { recursive: true, force: true });
});

// Tests run commands in other folders and compare their messages.
const env = { LC_ALL: 'C.UTF-8', TZ: 'UTC', XDG_STATE_HOME: state };

export const testConfig = defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build-program.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 90_000,
    hookTimeout: 90_000,
    env,
    reporters: ['default', noSkipsReporter()],
  },
});

export default testConfig;
