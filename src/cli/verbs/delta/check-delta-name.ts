/** Whether a delta can be what its file's name says. */
import { BundleError } from '../../../ground/errors.ts';
import { hasZstName } from '../../options/format-options.ts';

/** Throws invalid-argument for a name that promises zstd: a delta is a script with xz blocks behind it. */
export function checkDeltaName(output: string): void {
  if (!hasZstName(output)) return;
  throw new BundleError('invalid-argument', `Cannot write "${output}": a delta is no .zst file`, {
    hint: 'A delta continues an images.tar.xz, with its blocks. Name it otherwise, such as update.delta; a whole bundle in zstd is written by: bundlefs build -o images.tar.zst',
  });
}
