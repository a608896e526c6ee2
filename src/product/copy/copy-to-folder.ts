/** Writes a bundle into a folder as a plan says: under temporary names, read back, and then put in place. */
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tryLockFile } from '../../addon/file-lock.ts';
import { makeNamedFolder } from '../../disk/make-folder.ts';
import { syncFolder } from '../../disk/write-durably.ts';
import { BundleError, findErrno } from '../../ground/errors.ts';
import { isStickName, sumsName } from '../../bundle/file-names.ts';
import { checkPartials } from './check-partials.ts';
import { partialName, removeNote, writeNote } from './copy-note.ts';
import { type CopyFile } from './copy-source.ts';
import { type DeviceReadKind, forgetDevice } from './device-file.ts';
import type { CopyPlan } from './plan-copy.ts';
import type { Survey } from './survey-target.ts';
import { withTargetErrors } from './target-error.ts';
import { writePartial } from './write-partial.ts';

export interface CopyToFolderOptions {
  /** Whether old files give way first: needs no room for both, and takes over what the old archive has in common. */
  readonly isInPlace?: boolean;
  /** The block device to forget before reading back, where O_DIRECT does not reach it. */
  readonly device?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (phase: CopyPhase, done: number, total: number) => void;
}

/** Reading what a stopped copy left; bringing files to the device; reading them back. */
export type CopyPhase = 'resuming' | 'writing' | 'checking';

export interface CopyResult {
  readonly writtenSize: number;
  /** Bytes of half-written or old files that were found right and taken over. */
  readonly resumedSize: number;
  /** How the written files were read back; undefined where none was written. */
  readonly readKind: DeviceReadKind | undefined;
}

/** What a copy holds while it works on a folder. */
export interface HeldTarget extends AsyncDisposable {
  readonly folder: string;
}

/** Makes `folder` where it is not there, and keeps other copies away from it. Throws output-failed. */
export async function holdTarget(folder: string): Promise<HeldTarget> {
  return withTargetErrors(folder, async () => {
    if (await makeNamedFolder(folder)) await syncFolder(dirname(folder));
    const handle = await open(folder, 'r');
    try {
      if (!tryLock(handle.fd)) {
        throw new BundleError('output-failed', `Cannot copy to "${folder}": another copy writes there`, {
          hint: 'Wait for it, or stop it first.',
        });
      }
    } catch (error) {
      await handle.close();
      throw error;
    }
    return { folder, [Symbol.asyncDispose]: () => handle.close() };
  });
}

/** Where a file system knows no locks there is nobody to keep away that could be. */
function tryLock(fd: number): boolean {
  try {
    return tryLockFile(fd);
  } catch (error) {
    if (findErrno(error) !== undefined) return true;
    throw error;
  }
}

/**
 * Carries out `plan`. Until the last of the new files is on the device and was read back, the old ones stay as they are,
 * unless they are to give way; and while they are exchanged, SHA256SUMS is not there (docs/decisions/0050).
 * Throws output-full, output-failed, output-corrupt, and what reading the source throws. What is written stays then, for the next copy.
 */
export async function copyToFolder(
  { folder }: HeldTarget,
  survey: Survey,
  plan: CopyPlan,
  options: CopyToFolderOptions = {},
): Promise<CopyResult> {
  return withTargetErrors(folder, async () => {
    const written = plan.files.flatMap((file) => (file.kind === 'write' ? [file.file] : []));
    const isIdle = plan.files.every(({ kind }) => kind === 'keep') && plan.stale.length === 0;
    if (!isIdle) {
      await writeNote(folder, [
        ...[...survey.ours].filter((name) => survey.files.has(name)),
        ...plan.files.map(({ file }) => file.name),
      ]);
    }
    for (const name of plan.stalePartials) await rm(join(folder, partialName(name)), { force: true });
    if (options.isInPlace === true && !isIdle) await giveWay(folder, survey, plan);
    const result = await writeAll(folder, written, options);
    if (options.device !== undefined) await forgetDevice(options.device);
    const readKind = await checkPartials(folder, written, options);
    options.signal?.throwIfAborted();
    if (!isIdle) await putInPlace(folder, plan);
    await removeNote(folder);
    await syncFolder(folder);
    return { ...result, readKind };
  });
}

/** From here on the old bundle is none any more. What is to be replaced becomes the beginning of what replaces it. */
async function giveWay(folder: string, survey: Survey, plan: CopyPlan): Promise<void> {
  await hideSums(folder, plan);
  for (const part of plan.files) {
    const { file } = part;
    if (part.kind !== 'write' || part.replaced === undefined || file.name === sumsName) continue;
    const path = join(folder, file.name);
    if (survey.partials.has(file.name)) await rm(path);
    else await rename(path, join(folder, partialName(file.name)));
  }
  for (const name of plan.stale) await rm(join(folder, name), { force: true });
  await syncFolder(folder);
}

async function writeAll(
  folder: string,
  files: readonly CopyFile[],
  { signal, onProgress }: CopyToFolderOptions,
): Promise<Pick<CopyResult, 'writtenSize' | 'resumedSize'>> {
  let total = files.reduce((sum, { content }) => sum + content.size, 0);
  let done = 0;
  let resumedSize = 0;
  const wholeSize = total;
  for (const file of files) {
    await writePartial(file, join(folder, partialName(file.name)), {
      signal,
      onFound: (count) => {
        total -= count;
        resumedSize += count;
        onProgress?.('resuming', resumedSize, wholeSize);
      },
      onWritten: (count) => {
        done += count;
        onProgress?.('writing', done, total);
      },
    });
  }
  return { writtenSize: done, resumedSize };
}

/** The order is what makes a stick that is pulled out in between one that verify.sh calls incomplete, and never one that it calls right. */
async function putInPlace(folder: string, plan: CopyPlan): Promise<void> {
  const path = (name: string): string => join(folder, name);
  await hideSums(folder, plan);
  await syncFolder(folder);
  // All of them first: the new name of one part may be the old name of another.
  for (const move of plan.files) {
    if (move.kind === 'move') await rename(path(move.from), path(partialName(move.file.name)));
  }
  for (const { kind, file } of plan.files) {
    if (kind !== 'keep' && file.name !== sumsName)
      await rename(path(partialName(file.name)), path(file.name));
  }
  for (const name of plan.stale.filter(isStickName)) await rm(path(name), { force: true });
  await syncFolder(folder);
  await rename(path(partialName(sumsName)), path(sumsName));
  await syncFolder(folder);
}

/** Takes SHA256SUMS away; where it will be the same, to where its successor would be written. */
async function hideSums(folder: string, plan: CopyPlan): Promise<void> {
  const isKept = plan.files.some(({ kind, file }) => kind === 'keep' && file.name === sumsName);
  const path = join(folder, sumsName);
  if (!isKept) {
    await rm(path, { force: true });
    return;
  }
  await rename(path, join(folder, partialName(sumsName))).catch((error: unknown) => {
    if (findErrno(error) !== 'ENOENT') throw error; // it is there already
  });
}
