/** How the program is bundled: for scripts/bundle-program.mjs, and for tests of what comes out of it. */
import { readFile } from 'node:fs/promises';
import ts from 'typescript';

/** @type {import('esbuild').BuildOptions} */
export const bundleOptions = {
  // In the entries' folder, since code finds the addon, the stick's scripts and package.json from where it lies.
  chunkNames: 'cli/[name]-[hash]',
  bundle: true,
  splitting: true,
  sourcemap: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // esbuild must not lower `using` (see lowerUsing). If a `using` gets past TypeScript, Node 20 refuses the file.
  supported: { using: true },
  plugins: [lowerUsing()],
  // These look for libraries beside themselves.
  external: ['fuse-native', '@napi-rs/lzma'],
  // What a CommonJS package among them requires of Node.
  banner: {
    js: "import { createRequire as createBundleRequire } from 'node:module';\nconst require = createBundleRequire(import.meta.url);",
  },
  logLevel: 'warning',
};

/**
 * TypeScript lowers `using`, because esbuild (0.28.2) does it wrongly in loops: it keeps the error of one turn for all later
 * turns, so each of them throws that error again although it ran well.
 *
 * @returns {import('esbuild').Plugin}
 */
function lowerUsing() {
  return {
    name: 'lower-using',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        if (!/\busing\b/.test(source)) return undefined;
        const { outputText } = ts.transpileModule(source, {
          fileName: path,
          compilerOptions: {
            target: ts.ScriptTarget.ES2022,
            module: ts.ModuleKind.ESNext,
            verbatimModuleSyntax: true,
            inlineSourceMap: true,
            inlineSources: true,
          },
        });
        return { contents: outputText, loader: 'js' };
      });
    },
  };
}
