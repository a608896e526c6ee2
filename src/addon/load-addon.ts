/** Loads the native addon, or says what is missing and how to get it. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { BundleError, describeError } from '../ground/errors.ts';
import type { RawAddon } from './raw-addon.ts';

const require = createRequire(import.meta.url);

/** From src/addon as well as from dist/addon this is two folders up. */
const addonPath = fileURLToPath(new URL('../../build/Release/bundlefs.node', import.meta.url));

const buildHint =
  'Run bin/setup, which builds it. On Debian this needs the packages g++, make, python3, liblzma-dev and libzstd-dev.';

/** The addon at `path`, loaded once for each thread. Throws addon-unavailable. */
export function loadAddon(path: string = addonPath): RawAddon {
  try {
    return require(path) as RawAddon;
  } catch (error) {
    throw new BundleError(
      'addon-unavailable',
      `Cannot load the native addon "${path}": ${reasonOf(path, error)}`,
      {
        cause: error,
        hint: hintFor(path, error),
      },
    );
  }
}

function reasonOf(path: string, error: unknown): string {
  if (!existsSync(path)) return 'it has not been built';
  const library = findMissingLibrary(error);
  if (library !== undefined) return `the library ${library} is not installed`;
  if (
    /invalid ELF header|wrong ELF class|file too short|GLIBC(XX)?_|different Node\.js version/.test(
      describeError(error),
    )
  ) {
    return `it was built for another machine (${describeError(error)})`;
  }
  return describeError(error);
}

function hintFor(path: string, error: unknown): string {
  const library = existsSync(path) ? findMissingLibrary(error) : undefined;
  if (library === undefined) return buildHint;
  const found = Object.entries(debianPackages).find(([name]) => library.startsWith(name));
  return found === undefined ? `Install ${library}.` : `On Debian: apt-get install ${found[1]}.`;
}

/** By the name of the library, the package that has it. */
const debianPackages = { liblzma: 'liblzma5', libzstd: 'libzstd1' };

/** The name in the dynamic linker's message, `liblzma.so.5: cannot open shared object file: No such file or directory`. */
function findMissingLibrary(error: unknown): string | undefined {
  return /([^\s/]+\.so[.\d]*): cannot open shared object file/.exec(describeError(error))?.[1];
}
