/** What may lie where a file or folder of ours is expected, and what to hold against it afterwards. */
import { execFileSync } from 'node:child_process';
import {
  chown,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const mallory = 50_002;
/** Puts something at `path`; what it leads to is in `victim`. */
export const things: Readonly<Record<string, (path: string, victim: string) => Promise<void>>> = {
  'a link to a file': (path, victim) => symlink(join(victim, 'thesis.txt'), path),
  'a link to a folder': (path, victim) => symlink(join(victim, 'chapters'), path),
  'a dangling link': (path, victim) => symlink(join(victim, 'none'), path),
  'a link to /dev/zero': (path) => symlink('/dev/zero', path),
  'a named pipe': (path) => Promise.resolve(void execFileSync('mkfifo', [path])),
  'a device': (path) => Promise.resolve(void execFileSync('mknod', [path, 'c', '1', '5'])),
  'a socket': (path) =>
    new Promise((resolve, reject) => {
      const server = createServer().once('error', reject);
      // The path is too long for a socket's address; it is moved there.
      const short = `/tmp/bfs-${process.pid}.sock`;
      server.listen(short, () => {
        execFileSync('mv', [short, path]);
        onTestFinished(() => void server.close());
        resolve();
      });
    }),
  'a folder': (path) => mkdir(path),
  'a file of another user': async (path) => {
    await writeFile(path, 'not ours');
    await chown(path, mallory, mallory);
  },
  'a huge file': async (path) => {
    await writeFile(path, '');
    await truncate(path, 2 ** 42);
  },
  'a second name of a file': (path, victim) => link(join(victim, 'thesis.txt'), path),
};

/** Names, kinds, owners, times and content of all that is in `path`. */
export async function describeTree(path: string): Promise<string[]> {
  const names = ['', ...(await readdir(path, { recursive: true })).sort()];
  return Promise.all(
    names.map(async (name) => {
      const info = await lstat(join(path, name));
      const content = info.isFile()
        ? await readFile(join(path, name), 'utf8')
        : info.isSymbolicLink()
          ? await readlink(join(path, name))
          : '';
      return `${name} ${info.mode} ${info.uid} ${info.mtimeMs} ${info.size} ${content}`;
    }),
  );
}

export function withinTime<T>(work: Promise<T>): Promise<T> {
  const limit = new Promise<never>((_resolve, reject) => {
    setTimeout(() => {
      reject(new Error('it waits'));
    }, 30_000).unref();
  });
  return Promise.race([work, limit]);
}
