/**
 * Makes dist/, the program that `bin/bundlefs` starts: src/ and the packages it uses, in a few files. Loading 300 modules
 * one by one took longer than most verbs work. Types are not checked here; `npm run check:types` does.
 */
import { rename, rm } from 'node:fs/promises';
import { build } from 'esbuild';

// Made beside dist and then moved, so that a bundlefs that starts meanwhile never finds half of it.
const unfinished = 'dist.new';
await rm(unfinished, { recursive: true, force: true });
await build({
  // What a process starts with. A verb's own code is loaded when it is called for.
  entryPoints: ['src/cli/main.ts', 'src/cli/mount-daemon.ts', 'src/cli/mount-worker.ts'],
  outdir: unfinished,
  outbase: 'src',
  // In the entries' folder, since code finds the addon, the stick's scripts and package.json from where it lies.
  chunkNames: 'cli/[name]-[hash]',
  bundle: true,
  splitting: true,
  sourcemap: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // These look for libraries beside themselves.
  external: ['fuse-native', '@napi-rs/lzma'],
  // What a CommonJS package among them requires of Node.
  banner: {
    js: "import { createRequire as createBundleRequire } from 'node:module';\nconst require = createBundleRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
await rm('dist', { recursive: true, force: true });
await rename(unfinished, 'dist');
