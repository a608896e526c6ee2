/** What this user's own processes wrote to a cache or have verified in it: nothing else that lies there is believed (docs/format.md, "Trust"). */
import { join } from 'node:path';
import { digestOf, hexOf } from '../ground/digest.ts';
import { appendPrivateFile, readPrivateFile } from '../disk/own/own-files.ts';
import { makePrivateFolder } from '../disk/own/private-folder.ts';
import { replaceOwnFile } from '../disk/own/replace-own-file.ts';
import { stateFolder } from '../disk/own/state-folder.ts';
import { findErrno } from '../ground/errors.ts';

/** Facts are in one file for each kind, and for blocks for each encoder, so that only what is asked for is read. */
export type FactKind = 'images' | 'recipes' | 'checks' | `${'blocks' | 'frames' | 'layers'}-${string}`;

/**
 * Facts of one kind: of each name the last value that was noted. A value counts where it is the one that is expected, so
 * that one which was torn by a full disk or a power cut is none.
 */
export interface Facts {
  find(name: string): string | undefined;
  note(name: string, value: string): void;
}

export interface Ledger {
  open(kind: FactKind): Promise<Facts>;
  /** Writes down what was noted. Where that is not possible, this process alone knows it. */
  save(): Promise<void>;
  /** Forgets the facts of `kind` whose names `isKept` says nothing good of. */
  compact(kind: FactKind, isKept: (name: string) => boolean): Promise<void>;
}

const largestFile = 1024 * 1024 * 1024;

/** The ledger of the cache whose format folder is `root`, in this user's state folder. It is never in the cache: others may write there. */
export function openLedger(root: string, environment: NodeJS.ProcessEnv): Ledger {
  const loaded = new Map<FactKind, Promise<LoadedFacts>>();
  const folder = findFolder(root, environment);
  const open = (kind: FactKind): Promise<LoadedFacts> => {
    const known = loaded.get(kind) ?? load(folder && join(folder, kind));
    loaded.set(kind, known);
    return known;
  };
  return {
    open,
    async save() {
      for (const [kind, facts] of loaded) {
        const lines = (await facts).takeNew();
        if (lines.length > 0 && folder !== undefined) await quietly(() => append(folder, kind, lines));
      }
    },
    async compact(kind, isKept) {
      if (folder === undefined) return;
      const facts = await load(join(folder, kind)); // with what others have noted meanwhile
      const lines = facts.list().filter(([name]) => isKept(name));
      if (lines.length < facts.lineCount) {
        await quietly(() => replaceOwnFile(join(folder, kind), toText(lines)));
      }
    },
  };
}

/** Facts that nobody writes down. */
export function createFacts(): Facts {
  return fillFacts([]);
}

type Line = readonly [name: string, value: string];

interface LoadedFacts extends Facts {
  readonly lineCount: number;
  list(): Line[];
  takeNew(): Line[];
}

async function load(path: string | undefined): Promise<LoadedFacts> {
  const text = path && (await quietly(() => readPrivateFile(path, largestFile)));
  return fillFacts(text === undefined || text === '' ? [] : text.toString('latin1').split('\n'));
}

function fillFacts(lines: readonly string[]): LoadedFacts {
  const values = new Map<string, string>();
  for (const line of lines) {
    const end = line.indexOf(' '); // of many thousand lines, by hand
    if (end > 0) values.set(line.slice(0, end), line.slice(end + 1));
  }
  let added: Line[] = [];
  return {
    lineCount: lines.length - 1,
    list: () => [...values],
    find: (name) => values.get(name),
    note(name, value) {
      if (values.get(name) === value) return;
      values.set(name, value);
      added.push([name, value]);
    },
    takeNew() {
      const taken = added;
      added = [];
      return taken;
    },
  };
}

async function append(folder: string, kind: FactKind, lines: readonly Line[]): Promise<void> {
  await makePrivateFolder(folder);
  // A line that was torn must not become the beginning of the next.
  await appendPrivateFile(join(folder, kind), `\n${toText(lines)}`);
}

function toText(lines: readonly Line[]): string {
  return lines.map(([name, value]) => `${name} ${value}\n`).join('');
}

function findFolder(root: string, environment: NodeJS.ProcessEnv): string | undefined {
  try {
    return join(stateFolder(environment), 'known', hexOf(digestOf(Buffer.from(root))).slice(0, 16));
  } catch {
    return undefined; // a user without a home folder
  }
}

/** It saves time, and no more: where the system says no, things are verified once more. */
async function quietly<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (findErrno(error) === undefined) throw error;
    return undefined;
  }
}
