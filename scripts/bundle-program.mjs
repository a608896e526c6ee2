/**
 * Makes dist/, the program that `bin/bundlefs` starts: src/ and the packages it uses, in a few files. Loading 300 modules
 * one by one took longer than most verbs work. Types are not checked here; `npm run check:types` does.
 */
import { rename, rm } from 'node:fs/promises';
import { build } from 'esbuild';
import { bundleOptions } from './bundle-options.mjs';

// Made beside dist and then moved, so that a bundlefs that starts meanwhile never finds half of it.
const unfinished = 'dist.new';
await rm(unfinished, { recursive: true, force: true });
await build({
  ...bundleOptions,
  // What a process starts with. A verb's own code is loaded when it is called for.
  entryPoints: {
    'cli/main': 'src/cli/main.ts',
    'cli/mount-daemon': 'src/cli/serve/mount-daemon.ts',
    'cli/mount-worker': 'src/cli/serve/mount-worker.ts',
  },
  outdir: unfinished,
});
await rm('dist', { recursive: true, force: true });
await rename(unfinished, 'dist');
