/** Whether a file can be written, before minutes of encoding. */
import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BundleError } from '../errors.ts';
import { checkTarget } from '../outputs/write-bundle-file.ts';

/**
 * Throws output-failed where nothing can be written to `output`, and where it is one of the files `read`: what was not
 * chosen of an archive would be gone with it. What is no file, such as `@1` or the name of an image, may stand there, too.
 */
export async function checkOutput(output: string, read: readonly (string | undefined)[]): Promise<void> {
  const target = await checkTarget(output);
  for (const path of read) {
    if (path === undefined || (await realpath(resolve(path)).catch(() => undefined)) !== target) continue;
    throw new BundleError('output-failed', `Cannot write "${output}": the images are read from it`, {
      hint: 'Name another file with -o.',
    });
  }
}
