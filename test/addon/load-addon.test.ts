/** loadAddon and what it says when there is nothing to load. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadAddon } from '../../src/addon/load-addon.ts';
import { BundleError } from '../../src/ground/errors.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'load-addon-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function loadError(path: string): BundleError {
  try {
    loadAddon(path);
  } catch (error) {
    if (error instanceof BundleError) return error;
    throw error;
  }
  throw new Error(`"${path}" was loaded`);
}

describe('loadAddon', () => {
  it('loads the addon that was built', () => {
    expect(loadAddon().liblzmaVersion()).toMatch(/^5\.\d+\.\d+/);
  });

  it('says that it was not built, and how to build it', () => {
    const error = loadError(join(folder, 'bundlefs.node'));
    expect(error.code).toBe('addon-unavailable');
    expect(error.message).toMatch(/^Cannot load the native addon ".*": it has not been built$/);
    expect(error.hint).toContain('bin/setup');
  });

  it('says that it was built for another machine', () => {
    const path = join(folder, 'bundlefs.node');
    writeFileSync(path, 'this is not a shared object');
    const error = loadError(path);
    expect(error.code).toBe('addon-unavailable');
    expect(error.message).toContain('built for another machine');
    expect(error.hint).toContain('bin/setup');
  });

  it.each([
    { library: 'liblzma.so.5', hint: 'apt-get install liblzma5' },
    { library: 'libzstd.so.1', hint: 'apt-get install libzstd1' },
    { library: 'libother.so.3', hint: 'Install libother.so.3' },
  ])('says that $library is missing, and what to install', ({ library, hint }) => {
    const libraryPath = join(folder, 'library.so');
    const path = join(folder, 'bundlefs.node');
    // With a soname of its own: a name that this process has loaded already would not be missed.
    const soname = library.replace('.so', '-gone.so');
    writeFileSync(join(folder, 'library.c'), 'int answer(void) { return 42; }');
    writeFileSync(join(folder, 'addon.c'), 'int answer(void); int ask(void) { return answer(); }');
    execFileSync('gcc', [
      '-shared',
      '-fPIC',
      `-Wl,-soname,${soname}`,
      '-o',
      libraryPath,
      join(folder, 'library.c'),
    ]);
    execFileSync('gcc', ['-shared', '-fPIC', '-o', path, join(folder, 'addon.c'), libraryPath]);
    const error = loadError(path);
    expect(error.code).toBe('addon-unavailable');
    expect(error.message).toContain(`the library ${soname} is not installed`);
    expect(error.hint).toContain(hint.replace('.so', '-gone.so'));
  });
});
