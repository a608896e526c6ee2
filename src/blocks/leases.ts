/** Leases: who uses what of the cache now, so that a collection leaves it alone (docs/format.md, "Leases"). */
import { randomBytes } from 'node:crypto';
import { closeSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, findDigestOfHex, hexOf } from '../digest.ts';
import { findErrno, isBundleError } from '../errors.ts';
import { withCacheErrors } from './cache-error.ts';
import { enterGate } from './gate.ts';
import { isLocked, openHeldFile, removeIfStale } from './locked-file.ts';
import { makeFolder } from './make-folder.ts';
import { touchFile } from './touch-file.ts';

/** What its holder uses until it is disposed of, at the latest until its process ends. */
export type Lease = AsyncDisposable;

/** What a living process holds. */
export type HeldLease =
  /** All that the bundle of a recipe is made of. */
  | { readonly kind: 'recipe'; readonly recipe: Digest; readonly sinceMs: number }
  /** Every record, and every block of an encoder: a build may find any of them known. */
  | { readonly kind: 'build'; readonly encoder: string; readonly sinceMs: number }
  /** Everything: of another version of bundlefs, perhaps. */
  | { readonly kind: 'unknown'; readonly sinceMs: number };

export interface Leases {
  /** Holds the bundle of the kept recipe `digest`: its blocks, records and configs; notes that it was used. */
  lease(digest: Digest): Promise<Lease>;
  /** Holds every record and all blocks of `encoder`, for as long as a bundle is being made. */
  leaseBuild(encoder: string): Promise<Lease>;
  /** What is held now, by whichever process. */
  listLeases(): Promise<HeldLease[]>;
  /** When a recipe was last leased or given back, in Unix milliseconds; undefined where it never was. */
  findUseMs(digest: Digest): Promise<number | undefined>;
  /** Notes that the recipe is used now. Where that cannot be written, nothing happens. */
  touchUse(digest: Digest): Promise<void>;
  /** Removes the notes of a recipe's use. */
  forgetUse(digest: Digest): Promise<void>;
}

/** A collection takes a second or two; whoever stops one in the middle should hear of it. */
const gateTimeoutMs = 300_000;

/** The leases of the cache whose format folder is `root`. */
export function openLeases(root: string): Leases {
  const folder = join(root, 'leases');
  const usePath = (digest: Digest): string => join(root, 'uses', hexOf(digest));
  const touchUse = (digest: Digest): Promise<void> => touchFile(usePath(digest));
  return {
    async lease(digest) {
      const lease = await takeLease(root, folder, `recipe.${hexOf(digest)}`);
      await touchUse(digest);
      return {
        async [Symbol.asyncDispose]() {
          await touchUse(digest);
          await lease[Symbol.asyncDispose]();
        },
      };
    },
    leaseBuild: (encoder) => takeLease(root, folder, `build.${encoder}`),
    listLeases: () => withCacheErrors('read', folder, () => listHeld(folder)),
    touchUse,
    async findUseMs(digest) {
      return withCacheErrors('read', usePath(digest), async () => {
        try {
          return (await stat(usePath(digest))).mtimeMs;
        } catch (error) {
          if (findErrno(error) === 'ENOENT') return undefined;
          throw error;
        }
      });
    },
    forgetUse: (digest) =>
      withCacheErrors('remove', usePath(digest), () => rm(usePath(digest), { force: true })),
  };
}

/** Removes the leases that dead processes left in the cache whose format folder is `root`. */
export async function removeStaleLeases(root: string): Promise<void> {
  const folder = join(root, 'leases');
  for (const name of await listNames(folder)) await removeIfStale(join(folder, name));
}

/**
 * The name says it all, so that a lease needs no room on a full disk. Where the folder cannot be written to, the gate
 * itself is held, shared: then nobody can collect anything meanwhile.
 */
async function takeLease(root: string, folder: string, stem: string): Promise<Lease> {
  const gate = await enterGate(root, { isAlone: false, timeoutMs: gateTimeoutMs });
  try {
    const lease = await withCacheErrors('take a lease in', folder, async () => {
      await makeFolder(folder);
      return openHeldFile(() => join(folder, `${stem}.${randomBytes(8).toString('hex')}`));
    });
    await gate[Symbol.asyncDispose]();
    let isHeld = true;
    return {
      async [Symbol.asyncDispose]() {
        if (!isHeld) return;
        isHeld = false;
        await rm(lease.path, { force: true }).catch(() => undefined); // the lock is what counts
        closeSync(lease.fd);
      },
    };
  } catch (error) {
    if (isBundleError(error, 'cache-read-only', 'cache-full')) return gate;
    await gate[Symbol.asyncDispose]();
    throw error;
  }
}

async function listHeld(folder: string): Promise<HeldLease[]> {
  const held: HeldLease[] = [];
  for (const name of await listNames(folder)) {
    const path = join(folder, name);
    if (!(await isLocked(path))) continue;
    const sinceMs = await stat(path).then(
      (info) => info.mtimeMs,
      () => undefined,
    );
    if (sinceMs !== undefined) held.push({ ...parseName(name), sinceMs });
  }
  return held;
}

function parseName(
  name: string,
):
  | { readonly kind: 'recipe'; readonly recipe: Digest }
  | { readonly kind: 'build'; readonly encoder: string }
  | { readonly kind: 'unknown' } {
  const match = /^(recipe|build)\.(.+)\.[0-9a-f]{16}$/.exec(name);
  const [, kind, what = ''] = match ?? [];
  const recipe = findDigestOfHex(what);
  if (kind === 'recipe' && recipe !== undefined) return { kind, recipe };
  return kind === 'build' ? { kind, encoder: what } : { kind: 'unknown' };
}

async function listNames(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (findErrno(error) === 'ENOENT') return [];
    throw error;
  }
}
