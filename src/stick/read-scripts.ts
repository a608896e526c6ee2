/** The scripts that go onto every stick, from the folder `stick` of this program. */
import { readFile } from 'node:fs/promises';
import { BundleError, describeError } from '../errors.ts';

export interface StickScript {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const names = ['load.sh', 'verify.sh'];

/** Reads them. Throws output-failed where this installation lacks one. */
export async function readScripts(): Promise<StickScript[]> {
  return Promise.all(
    names.map(async (name) => {
      const url = new URL(`../../stick/${name}`, import.meta.url);
      try {
        return { name, bytes: await readFile(url) };
      } catch (error) {
        throw new BundleError(
          'output-failed',
          `Cannot read "${url.pathname}": ${describeError(error)}, a script of bundlefs itself was expected`,
          { cause: error, hint: 'Install bundlefs again: its folder is incomplete.' },
        );
      }
    }),
  );
}
