/** Turns what the file system says of the cache into what the user can do about it. */
import { ForeignThingError } from '../disk/own/foreign-thing.ts';
import { BundleError, describeError, findErrno, isBundleError } from '../ground/errors.ts';

/** Runs `action` on the file or folder `path` of a cache; what the system says against it comes out as cache-full, cache-read-only or cache-failed. */
export async function withCacheErrors<T>(verb: string, path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw isBundleError(error) || findErrno(error) === undefined ? error : cacheError(verb, path, error);
  }
}

function cacheError(verb: string, path: string, error: unknown): BundleError {
  switch (findErrno(error) ?? '') {
    case 'ENOSPC':
    case 'EDQUOT':
      return new BundleError(
        'cache-full',
        `Cannot ${verb} "${path}": no space is left on the disk of the cache`,
        {
          cause: error,
          hint: 'Free some space, or name another folder with --cache. What is cached so far is sound: the next run goes on from there.',
        },
      );
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return new BundleError('cache-read-only', `Cannot ${verb} "${path}": ${describeError(error)}`, {
        cause: error,
        hint: 'Name a cache folder that this user can write to, with --cache or BUNDLEFS_CACHE. How several users share one: docs/without-root.md.',
      });
    case 'EFOREIGN': {
      const at = error instanceof ForeignThingError ? error.path : path;
      return new BundleError('cache-failed', `Cannot ${verb} "${path}": ${describeError(error)}`, {
        cause: error,
        hint: `bundlefs follows no links below its cache folder, and takes nothing but files and folders of its own there. Remove what is in the way: rm -r "${at}"`,
        path: at,
      });
    }
    default:
      return new BundleError('cache-failed', `Cannot ${verb} "${path}": ${describeError(error)}`, {
        cause: error,
      });
  }
}
