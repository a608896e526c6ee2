/** Bundles the program once before the tests, so that those that run it never run yesterday's. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** For vitest's globalSetup. */
export function setup(): void {
  const project = fileURLToPath(new URL('../..', import.meta.url));
  execFileSync(process.execPath, ['scripts/bundle-program.mjs'], { cwd: project, stdio: 'inherit' });
}
