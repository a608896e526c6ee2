/** Leases: who uses what of the cache now, so that a collection leaves it alone (docs/format.md, "Leases"). */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ForeignThingError } from '../disk/own/foreign-thing.ts';
import { listOwnFiles } from '../disk/own/list-own-files.ts';
import { isLocked, openHeldFile, removeIfStale } from '../disk/locked-file.ts';
import { makeOwnFolder } from '../disk/make-folder.ts';
import { type OpenFolder, openOwnFolder } from '../disk/own/open-folder.ts';
import { findOwnFile, removeOwnFile } from '../disk/own/own-files.ts';
import { touchOwnFile } from '../disk/own/touch-own-file.ts';
import { type Digest, findDigestOfHex, hexOf } from '../ground/digest.ts';
import { isBundleError } from '../ground/errors.ts';
import { withCacheErrors } from './cache-error.ts';
import { enterGate } from './gate.ts';

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
  /** When a recipe was last leased or given back, in Unix milliseconds; undefined where it never was, or what is there is no file. */
  findUseMs(digest: Digest): Promise<number | undefined>;
  /** Notes that the recipe is used now. Where that cannot be written, nothing happens. */
  touchUse(digest: Digest): Promise<void>;
  /** Removes the notes of a recipe's use. */
  forgetUse(digest: Digest): Promise<void>;
}

/** Of the names that this version gives, and removes: what is held, and how. */
const leaseForm = /^(recipe|build)\.(.+)\.[0-9a-f]{16}$/;

/** A collection takes a second or two; whoever stops one in the middle should hear of it. */
const gateTimeoutMs = 300_000;

/** The leases of the cache whose format folder is `root`. */
export function openLeases(root: string): Leases {
  const folder = join(root, 'leases');
  const usePath = (digest: Digest): string => join(root, 'uses', hexOf(digest));
  const touchUse = (digest: Digest): Promise<void> => touchOwnFile(usePath(digest));
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
      return withCacheErrors(
        'read',
        usePath(digest),
        async () => (await findOwnFile(usePath(digest)).catch(passOver))?.mtimeMs,
      );
    },
    forgetUse: (digest) => withCacheErrors('remove', usePath(digest), () => removeOwnFile(usePath(digest))),
  };
}

function passOver(error: unknown): undefined {
  if (!(error instanceof ForeignThingError)) throw error;
}

/** Removes the leases that dead processes left in the cache whose format folder is `root`. Throws ForeignThingError. */
export async function removeStaleLeases(root: string): Promise<void> {
  await inFolder(join(root, 'leases'), leaseForm, (folder, name) => removeIfStale(folder, name));
}

/**
 * The name says it all, so that a lease needs no room on a full disk. Where the folder cannot be written to, the gate
 * itself is held, shared: then nobody can collect anything meanwhile.
 */
async function takeLease(root: string, folder: string, stem: string): Promise<Lease> {
  const gate = await enterGate(root, { isAlone: false, timeoutMs: gateTimeoutMs });
  try {
    const lease = await withCacheErrors('take a lease in', folder, async () => {
      await makeOwnFolder(folder);
      using open = openOwnFolder(folder);
      return await openHeldFile(open, () => `${stem}.${randomBytes(8).toString('hex')}`);
    });
    await gate[Symbol.asyncDispose]();
    let isHeld = true;
    return {
      async [Symbol.asyncDispose]() {
        if (!isHeld) return;
        isHeld = false;
        await removeOwnFile(join(folder, lease.name)).catch(() => undefined); // the lock is what counts
        lease.close();
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
  // Of any name: another version may have others.
  await inFolder(folder, /./, async (open, name, sinceMs) => {
    if (await isLocked(open, name)) held.push({ ...parseName(name), sinceMs });
  });
  return held;
}

/** Runs `action` for each regular file of the folder at `path` whose name has the `form`; for none where it is missing. */
async function inFolder(
  path: string,
  form: RegExp,
  action: (folder: OpenFolder, name: string, mtimeMs: number) => Promise<void>,
): Promise<void> {
  const files = await listOwnFiles(path, form);
  if (files.length === 0) return;
  using folder = openOwnFolder(path);
  for (const { name, mtimeMs } of files) await action(folder, name, mtimeMs);
}

function parseName(
  name: string,
):
  | { readonly kind: 'recipe'; readonly recipe: Digest }
  | { readonly kind: 'build'; readonly encoder: string }
  | { readonly kind: 'unknown' } {
  const match = leaseForm.exec(name);
  const [, kind, what = ''] = match ?? [];
  const recipe = findDigestOfHex(what);
  if (kind === 'recipe' && recipe !== undefined) return { kind, recipe };
  return kind === 'build' ? { kind, encoder: what } : { kind: 'unknown' };
}
