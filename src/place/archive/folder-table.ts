/** The files of a folder as members of a layout. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BundleError, describeError, findErrno } from '../../ground/errors.ts';
import { openDiskFile } from '../../file/disk-file.ts';
import { MemberIndex } from './layouts/member-index.ts';
import type { Member, MemberTable } from './layouts/member-table.ts';

/** The table of `folder`, which `label` names in messages. Symlinks are followed wherever they lead: the folder is the user's own. */
export function createFolderTable(
  folder: string,
  { label, signal }: { readonly label: string; readonly signal?: AbortSignal },
): MemberTable {
  const names = new MemberIndex(label);
  return {
    label,
    isEmpty: false,
    async findMember(name): Promise<Member | undefined> {
      const clean = names.cleanName(name);
      const path = join(folder, clean);
      const size = await findFileSize(path);
      if (size === undefined) return undefined;
      return { kind: 'stored', name: clean, size, stream: () => streamFile(path, size, signal) };
    },
  };
}

/** Undefined where there is no regular file. */
async function findFileSize(path: string): Promise<number | undefined> {
  try {
    const info = await stat(path);
    return info.isFile() ? info.size : undefined;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(findErrno(error) ?? '')) return undefined;
    throw new BundleError('source-failed', `Cannot read "${path}": ${describeError(error)}`, {
      cause: error,
    });
  }
}

async function* streamFile(
  path: string,
  size: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (size === 0) return;
  const file = await openDiskFile(path);
  try {
    yield* file.stream({ end: Math.min(size, file.size), signal });
  } finally {
    await file.close();
  }
}
