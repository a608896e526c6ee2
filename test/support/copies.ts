/** Copies of a mount as people make them: whole folders in a loop, and one long read through one handle. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const copyMethods = ['cp -r', 'rsync -a', 'gio copy'] as const;
export type CopyMethod = (typeof copyMethods)[number];

/** Copies the folder `from` to `to`, which is not there yet. gio copies no folders: file managers go from file to file. */
export async function copyFolder(method: CopyMethod, from: string, to: string): Promise<void> {
  switch (method) {
    case 'cp -r':
      await run('cp', ['-r', from, to]);
      return;
    case 'rsync -a':
      await run('rsync', ['-a', `${from}/`, to]);
      return;
    case 'gio copy':
      await mkdir(to);
      for (const name of await readdir(from)) await run('gio', ['copy', join(from, name), join(to, name)]);
      return;
  }
}

/** The SHA-256 of a file, in hex. */
export async function hashPath(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

export interface ReadInStepsOptions {
  readonly stepSize: number;
  /** Waited for before each step, with the position in the file. */
  readonly beforeStep: (position: number) => Promise<void>;
}

/** Reads a file through one handle, in steps, and gives its SHA-256 in hex. */
export async function hashInSteps(
  path: string,
  { stepSize, beforeStep }: ReadInStepsOptions,
): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path);
  try {
    for (let position = 0; ;) {
      await beforeStep(position);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(stepSize), { position });
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
      position += bytesRead;
    }
  } finally {
    await file.close();
  }
}

export interface FinishedCopy {
  /** Of its images.tar.xz, in hex. */
  readonly sha256: string;
  /** Whether all its files are of one generation, as `sha256sum -c` in it says. */
  readonly isWhole: boolean;
}

export interface CopyLoop {
  readonly finished: readonly FinishedCopy[];
  /** Throws what a copy threw, after which there are no more. */
  failIfBroken(): void;
  /** Waits for the end of the copy that runs. Throws what a copy threw. */
  stop(): Promise<void>;
}

export interface CopyLoopOptions {
  /** Waited for after each copy. */
  readonly rest?: () => Promise<void>;
}

/** Copies `mountPoint` to `folder`, which it makes anew each time, over and over. */
export function startCopyLoop(mountPoint: string, folder: string, { rest }: CopyLoopOptions = {}): CopyLoop {
  const finished: FinishedCopy[] = [];
  let isWanted = true;
  let failure: { readonly error: unknown } | undefined;
  const loop = async (): Promise<void> => {
    while (isWanted) {
      if (await copyUnlessReplaced(mountPoint, folder)) finished.push(await checkCopy(folder));
      await rm(folder, { recursive: true, force: true });
      await rest?.();
    }
  };
  const running = loop();
  running.catch((error: unknown) => {
    failure = { error };
  });
  return {
    finished,
    failIfBroken() {
      if (failure !== undefined) throw failure.error;
    },
    async stop() {
      isWanted = false;
      await running;
    },
  };
}

/** False where cp says that a generation was published between its look at a file and its opening it, and fails. */
async function copyUnlessReplaced(from: string, to: string): Promise<boolean> {
  try {
    await copyFolder('cp -r', from, to);
    return true;
  } catch (error) {
    if (String(error).includes('was replaced while being copied')) return false;
    throw error;
  }
}

async function checkCopy(folder: string): Promise<FinishedCopy> {
  const isWhole = await run('sha256sum', ['-c', '--quiet', 'SHA256SUMS'], { cwd: folder }).then(
    () => true,
    () => false,
  );
  return { sha256: await hashPath(join(folder, 'images.tar.xz')), isWhole };
}
