/** Stamps of many files in folders of ours. */
import { dirname } from 'node:path';
import { stampFiles } from '../../addon/stamp-files.ts';
import { findErrno } from '../../ground/errors.ts';
import { openOwnFolder } from './open-folder.ts';

/** As stampFiles. Throws ForeignThingError where a link or no folder is in the way. */
export function stampOwnFiles(paths: readonly string[], sizes: readonly number[]): (string | undefined)[] {
  try {
    return stampFiles(paths, sizes);
  } catch (error) {
    if (findErrno(error) === 'ELOOP') {
      for (const folder of new Set(paths.map(dirname))) openOwnFolder(folder)[Symbol.dispose](); // throws what it is
    }
    throw error;
  }
}
