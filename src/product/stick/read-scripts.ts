/** The scripts that go onto every stick, from the folder `stick` of this program. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BundleError, describeError } from '../../ground/errors.ts';
import { scriptNames } from '../../bundle/file-names.ts';

export interface StickScript {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Reads them. Throws output-failed where this installation lacks one. */
export async function readScripts(): Promise<StickScript[]> {
  return Promise.all(scriptNames.map(async (name) => ({ name, bytes: await readScript(name) })));
}

/** One script of the folder `stick`, also one that is on no stick by itself. Throws output-failed where it is missing. */
export async function readScript(name: string): Promise<Uint8Array> {
  const path = join(findScriptFolder(), name);
  try {
    return await readFile(path);
  } catch (error) {
    throw new BundleError(
      'output-failed',
      `Cannot read "${path}": ${describeError(error)}, a script of bundlefs itself was expected`,
      { cause: error, hint: 'Install bundlefs again: its folder is incomplete.' },
    );
  }
}

/** `stick` beside package.json, wherever in this program the file lies that this function was built into. */
function findScriptFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return join(folder, 'stick');
}
