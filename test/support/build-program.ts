/** Compiles the program once before the tests, so that those that run it never run yesterday's. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** For vitest's globalSetup. */
export function setup(): void {
  const project = fileURLToPath(new URL('../..', import.meta.url));
  execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { cwd: project, stdio: 'inherit' });
}
