/** What a copy has to do: which files are right already, which must be written, moved, removed, and what that takes. */
import { join } from 'node:path';
import { findErrno } from '../../ground/errors.ts';
import { archivePattern, isStickName } from '../../bundle/file-names.ts';
import { type CopyFile, type CopySource } from './copy-source.ts';
import { type DeviceReadKind, hashOnDevice } from './device-file.ts';
import type { FoundFile, Survey } from './survey-target.ts';

export type FilePlan =
  /** Lies there, and was read: it is left alone. */
  | { readonly kind: 'keep'; readonly file: CopyFile }
  /** Lies there under another name, and was read: it gets its new one. */
  | { readonly kind: 'move'; readonly file: CopyFile; readonly from: string }
  /** Must be written. `replaced`: the file of this name that it takes the place of, where that one is not moved. */
  | { readonly kind: 'write'; readonly file: CopyFile; readonly replaced: FoundFile | undefined };

export interface CopyPlan {
  readonly files: readonly FilePlan[];
  /** Names of files of an earlier copy that are no part of this one. */
  readonly stale: readonly string[];
  /** Final names of files that an earlier copy left half-written and that need not be written any more. */
  readonly stalePartials: readonly string[];
  /** Names that stand in the way: nobody knows whether a copy wrote them. */
  readonly foreign: readonly string[];
  /** How the files were read that lie there; undefined where none was. */
  readonly readKind: DeviceReadKind | undefined;
}

export interface PlanCopyOptions {
  readonly signal?: AbortSignal;
  /** Told while files that lie there are read. */
  readonly onRead?: (done: number, total: number) => void;
}

/** Compares `source` with what lies in `folder`, by content: a file that may be right is read in full, from its device. */
export async function planCopy(
  source: CopySource,
  folder: string,
  survey: Survey,
  options: PlanCopyOptions = {},
): Promise<CopyPlan> {
  const reader = createReader(source, folder, survey, options);
  const kept = new Map<string, FilePlan>();
  for (const file of source.files) {
    const isThere = reader.mayBeSame(file, file.name) && (await reader.isSame(file, file.name));
    if (isThere) kept.set(file.name, { kind: 'keep', file });
  }
  const moves = await findMoves(
    source.files.filter(({ name }) => !kept.has(name)),
    new Set([...survey.sums.keys()].filter((name) => !kept.has(name))),
    reader,
  );
  const moved = new Set([...moves.values()].map(({ from }) => from));
  const files = source.files.map((file): FilePlan => {
    const replaced = moved.has(file.name) ? undefined : survey.files.get(file.name);
    return kept.get(file.name) ?? moves.get(file.name) ?? { kind: 'write', file, replaced };
  });
  const wanted = new Set(source.files.map(({ name }) => name));
  const written = new Set(files.flatMap(({ kind, file }) => (kind === 'write' ? [file.name] : [])));
  return {
    files,
    stale: [...survey.files.keys()]
      .filter((name) => survey.ours.has(name) && !wanted.has(name) && !moved.has(name))
      .sort(),
    stalePartials: [...survey.partials.keys()].filter((name) => !written.has(name)).sort(),
    foreign: files
      .filter(({ kind, file }) => kind !== 'keep' && isInTheWay(file.name, survey))
      .map(({ file }) => file.name),
    readKind: reader.kind(),
  };
}

function isInTheWay(name: string, { files, ours }: Survey): boolean {
  const found = files.get(name);
  return found !== undefined && (!found.isRegular || !ours.has(name));
}

interface TargetReader {
  mayBeSame(file: CopyFile, name: string): boolean;
  isSame(file: CopyFile, name: string): Promise<boolean>;
  kind(): DeviceReadKind | undefined;
}

function createReader(
  source: CopySource,
  folder: string,
  { files, sums }: Survey,
  { signal, onRead }: PlanCopyOptions,
): TargetReader {
  let done = 0;
  let kind: DeviceReadKind | undefined;
  const mayBeSame = ({ digest, content }: CopyFile, name: string): boolean => {
    const found = files.get(name);
    if (found?.isRegular !== true || found.size !== content.size || !isStickName(name)) return false;
    const was = sums.get(name);
    return was === undefined || was === digest;
  };
  const total = source.files
    .filter((file) => mayBeSame(file, file.name))
    .reduce((sum, { content }) => sum + content.size, 0);
  return {
    mayBeSame,
    kind: () => kind,
    async isSame(file, name) {
      try {
        const found = await hashOnDevice(join(folder, name), {
          signal,
          onRead: (count) => {
            done += count;
            onRead?.(done, Math.max(done, total));
          },
        });
        kind = kind === 'dropped' ? kind : found.kind;
        return found.digest === file.digest;
      } catch (error) {
        // A file that the device cannot read any more is not right, and writing it anew may help.
        if (['EIO', 'EBADMSG', 'ENOENT'].includes(findErrno(error) ?? '')) return false;
        throw error;
      }
    },
  };
}

/** Parts get other numbers when there are more of them, or fewer. `free`: names of listed files that may be taken. */
async function findMoves(
  files: readonly CopyFile[],
  free: Set<string>,
  reader: TargetReader,
): Promise<ReadonlyMap<string, FilePlan & { kind: 'move' }>> {
  const moves = new Map<string, FilePlan & { kind: 'move' }>();
  for (const file of files.filter(({ name }) => archivePattern.test(name))) {
    for (const from of free) {
      if (!archivePattern.test(from) || from === file.name || !reader.mayBeSame(file, from)) continue;
      if (!(await reader.isSame(file, from))) continue;
      free.delete(from);
      moves.set(file.name, { kind: 'move', file, from });
      break;
    }
  }
  return moves;
}
