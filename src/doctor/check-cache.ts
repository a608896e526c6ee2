/** Where the cache is, whether there is room, whether it can be written, and what lies around in it. */
import { constants } from 'node:fs';
import { access, realpath, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cachePath, cacheRoot } from '../cache/cache.ts';
import { withCacheErrors } from '../cache/cache-error.ts';
import { badForm } from '../cache/cache-names.ts';
import { listOwnFolders, listOwnThings } from '../disk/own/list-own-files.ts';
import { openOwnFolder } from '../disk/own/open-folder.ts';
import { startOwnFile } from '../disk/write-durably.ts';
import { formatCount, formatSize } from '../ground/format-text.ts';
import { BundleError, findErrno } from '../ground/errors.ts';
import { findCoveringMount } from '../disk/mountinfo.ts';
import { type CheckContext, type Finding, ok, problem, problemOf, warning } from './finding.ts';

/** One layer's worth, and what a bundle of a few images takes. */
const leastRoom = 200e6;
const littleRoom = 5e9;
const fewInodes = 2000;

/** Kinds of file systems on which a cache is slow, is not safe from other hosts, or does not stay. */
const doubtfulKinds: Readonly<Record<string, string>> = {
  tmpfs: 'it is in memory, and gone after a restart',
  ramfs: 'it is in memory, and gone after a restart',
  overlay: 'it is in the container, and goes with it',
  nfs: 'locks of other hosts may not be seen',
  nfs4: 'locks of other hosts may not be seen',
  cifs: 'locks of other hosts may not be seen, and small files are slow',
  smb3: 'locks of other hosts may not be seen, and small files are slow',
  '9p': 'small files are slow',
  'fuse.sshfs': 'locks of other hosts may not be seen, and small files are slow',
  vfat: 'it is not made for many small files',
  exfat: 'it is not made for many small files',
};
const elsewhere = 'Name a folder on a disk of this machine with BUNDLEFS_CACHE or --cache.';

export async function checkCache(context: CheckContext): Promise<Finding[]> {
  try {
    const path = cachePath(context.cache, context.environment);
    const place = await findPlace(path);
    return [
      await checkWriting(path, place),
      ...(await checkDisk(place)),
      checkLimit(context),
      ...(await checkLeftovers(path)),
    ];
  } catch (error) {
    return [problemOf('cache', error)];
  }
}

/** The folder itself, or the nearest above it that is there. */
async function findPlace(path: string): Promise<string> {
  return withCacheErrors('open the cache', path, async () => {
    try {
      if ((await stat(path)).isDirectory()) return await realpath(path);
    } catch (error) {
      if (findErrno(error) === 'ENOENT' && dirname(path) !== path) return findPlace(dirname(path));
      throw error;
    }
    throw new BundleError('cache-failed', `Cannot open the cache "${path}": it is no folder`, {
      hint: 'Name a folder with --cache or BUNDLEFS_CACHE.',
    });
  });
}

/** By writing there, as a build would; a cache that is not there yet is not made. */
async function checkWriting(path: string, place: string): Promise<Finding> {
  return withCacheErrors('write to the cache', path, async () => {
    await access(place, constants.W_OK | constants.X_OK);
    const root = cacheRoot(path);
    const mode = findMode(root);
    if (mode === undefined) return ok('cache', `${path}, not there yet; this user may make it`);
    await using file = await startOwnFile(join(root, 'doctor'), root);
    await file.handle.writeFile(Buffer.alloc(4096));
    await file.handle.sync();
    return (mode & 0o1002) === 0o002
      ? warning(
          'cache',
          `${path}, everybody on this machine may write to it and remove it`,
          `chmod o-w "${root}"`,
        )
      : ok('cache', `${path}, can be written to`);
  });
}

/** Of the folder at `root`; undefined where there is none. */
function findMode(root: string): number | undefined {
  try {
    using folder = openOwnFolder(root);
    return folder.info.mode;
  } catch (error) {
    if (findErrno(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function checkDisk(place: string): Promise<Finding[]> {
  const { bavail, bsize, blocks, files, ffree } = await withCacheErrors('look at', place, () =>
    statfs(place),
  );
  const room = bavail * bsize;
  const kind = (await findCoveringMount(place))?.type ?? 'unknown';
  const text = `${formatSize(room)} of ${formatSize(blocks * bsize)} free, on ${kind}`;
  const cure = `bundlefs cache gc --keep-last 1, or a folder on a larger disk with BUNDLEFS_CACHE`;
  const findings: Finding[] = [];
  if (room < leastRoom) findings.push(problem('cache disk', 'cache-full', text, cure));
  else if (room < littleRoom) findings.push(warning('cache disk', `only ${text}`, cure));
  else if (files > 0 && ffree < fewInodes) {
    findings.push(warning('cache disk', `${text}, but room for ${formatCount(ffree, 'file')} only`, cure));
  } else findings.push(ok('cache disk', text));
  const doubt = doubtfulKinds[kind];
  if (doubt !== undefined) findings.push(warning('cache disk', `on ${kind}: ${doubt}`, elsewhere));
  return findings;
}

function checkLimit({ getMaxSize }: CheckContext): Finding {
  try {
    const maxSize = getMaxSize();
    return ok(
      'cache limit',
      maxSize === undefined
        ? 'none (gc.maxSize in bundlefs.yaml, or BUNDLEFS_CACHE_MAX_SIZE): it grows until bundlefs cache gc is run'
        : formatSize(maxSize),
    );
  } catch (error) {
    return problemOf('cache limit', error);
  }
}

async function checkLeftovers(path: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  const bad = await listOwnThings(join(cacheRoot(path), 'bad'), badForm);
  if (bad.length > 0) {
    const size = bad.reduce((sum, file) => sum + file.size, 0);
    const text = `${formatCount(bad.length, 'damaged block')} set aside, ${formatSize(size)}: the disk may be failing. They go a week after, with cache gc`;
    findings.push(warning('cache leftovers', text, 'bundlefs cache verify'));
  }
  const root = cacheRoot(path);
  const others = (await listOwnFolders(dirname(root), /^v\d+$/)).filter(
    (name) => join(dirname(root), name) !== root,
  );
  if (others.length > 0) {
    const text = `${others.join(', ')} of another version of bundlefs, which this one never reads`;
    const cure = `rm -r ${others.map((name) => `"${join(path, name)}"`).join(' ')}`;
    findings.push(warning('cache leftovers', text, cure));
  }
  return findings;
}
