/** What processes have open, by the text of the links in /proc: looking at it touches no mount. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

export interface ProcessLinks {
  readonly pid: number;
  /** Where its file descriptors lead. */
  readonly descriptors: readonly string[];
  readonly workingFolder: string | undefined;
}

/** A process that has a file or folder of a mount open, or works in one. */
export interface MountUser {
  readonly pid: number;
  /** Its command, as ps names it. */
  readonly name: string;
}

const fuseDevice = '/dev/fuse';

/** The numbers of this process's descriptors of the FUSE device: one for each connection that is alive. */
export async function listFuseDescriptors(): Promise<ReadonlySet<string>> {
  const numbers = await readdir('/proc/self/fd');
  const links = await Promise.all(numbers.map((number) => findLink(`/proc/self/fd/${number}`)));
  return new Set(numbers.filter((_, index) => links[index] === fuseDevice));
}

/** Whether descriptor `number` of this process still leads to the FUSE device. */
export async function isFuseDescriptor(number: string): Promise<boolean> {
  return (await findLink(`/proc/self/fd/${number}`)) === fuseDevice;
}

/** All processes whose descriptors this one may see. */
export async function readProcesses(): Promise<readonly ProcessLinks[]> {
  const names = await readdir('/proc');
  const processes: ProcessLinks[] = [];
  for (const name of names.filter((entry) => /^\d+$/.test(entry))) {
    const found = await findProcess(Number(name));
    if (found !== undefined) processes.push(found);
  }
  return processes;
}

/** Whether `process` serves the mount at `mountPoint`: a mount holds the folder beneath it open for this to be seen. */
export function isServing(process: ProcessLinks, mountPoint: string): boolean {
  return process.descriptors.includes(fuseDevice) && process.descriptors.includes(mountPoint);
}

/** Whether process `pid`, which is this user's, serves any mount still, be it one that only drains. */
export async function isMountDaemon(pid: number): Promise<boolean> {
  return (await findProcess(pid))?.descriptors.includes(fuseDevice) === true;
}

/** Those of `processes` that keep the mount at `mountPoint` busy. */
export async function findMountUsers(
  processes: readonly ProcessLinks[],
  mountPoint: string,
): Promise<readonly MountUser[]> {
  const isInside = (path: string): boolean => path === mountPoint || path.startsWith(`${mountPoint}/`);
  const users = processes.filter(
    (process) =>
      !isServing(process, mountPoint) &&
      [process.workingFolder ?? '', ...process.descriptors].some((path) => isInside(path)),
  );
  return Promise.all(users.map(async ({ pid }) => ({ pid, name: await readName(pid) })));
}

/**
 * Waits until process `pid` serves `mountPoint` no more and has ended, `timeoutMs` at most. One that serves no more but
 * goes on, having other work to do, is given two seconds to end.
 */
export async function waitForServerEnd(pid: number, mountPoint: string, timeoutMs: number): Promise<void> {
  let deadline = performance.now() + timeoutMs;
  let isStopping = false;
  while (performance.now() < deadline) {
    const process = await findProcess(pid);
    if (process === undefined) return;
    if (!isStopping && !isServing(process, mountPoint)) {
      isStopping = true;
      deadline = Math.min(deadline, performance.now() + 2000);
    }
    await delay(25);
  }
}

/** The process, or undefined where it has ended, even if nobody has waited for it yet. */
async function findProcess(pid: number): Promise<ProcessLinks | undefined> {
  const folder = `/proc/${pid}`;
  try {
    // proc_pid_stat(5): pid (command) state …, and a command may hold any character.
    const stat = await readFile(`${folder}/stat`, 'utf8');
    if (/^[ZX]/.test(stat.slice(stat.lastIndexOf(') ') + 2))) return undefined;
  } catch {
    return undefined;
  }
  const numbers = await readdir(`${folder}/fd`).catch((): string[] => []); // those of other users are not shown
  const links = await Promise.all(numbers.map((number) => findLink(`${folder}/fd/${number}`)));
  const descriptors = links.filter((link) => link !== undefined);
  return { pid, descriptors, workingFolder: await findLink(`${folder}/cwd`) };
}

async function findLink(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch {
    return undefined;
  }
}

async function readName(pid: number): Promise<string> {
  try {
    return (await readFile(`/proc/${pid}/comm`, 'utf8')).trim();
  } catch {
    return 'ended';
  }
}
