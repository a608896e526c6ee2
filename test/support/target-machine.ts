/** The machine that a stick is carried to: shells and a PATH with what the scripts may use, and no Node. */
import { execFileSync } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';

/** The shells that the scripts must run under. */
export const shells = ['dash', 'busybox', 'bash', 'bash-posix'] as const;
export type Shell = (typeof shells)[number];

/** What the scripts use besides the shell: docs/offline-target.md lists the same. */
export const tools = [
  ...['awk', 'cat', 'cut', 'date', 'dd', 'df', 'grep', 'id', 'ln', 'ls', 'mkdir', 'mkfifo', 'mktemp', 'rm'],
  ...['sed', 'sha256sum', 'sort', 'tail', 'tar', 'tr', 'wc', 'xz'],
];

/** Programs of engines, which busybox has none of. */
const enginePrograms: ReadonlySet<string> = new Set(['docker', 'podman', 'nerdctl', 'ctr', 'k3s']);

/** Where a command of this machine lies. */
export function findTool(name: string): string {
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
  return execFileSync('sh', ['-c', 'command -v "$1"', 'sh', name], { env, encoding: 'utf8' }).trim();
}

/** The words that start a script with `shell`. */
export function shellCommand(shell: Shell): readonly string[] {
  switch (shell) {
    case 'busybox':
      return [findTool('busybox'), 'sh'];
    case 'bash-posix':
      return [findTool('bash'), '--posix'];
    case 'dash':
    case 'bash':
      return [findTool(shell)];
  }
}

/** Makes `bin` a folder with the given commands and nothing else; under busybox they are busybox's own. */
export async function fillPath(bin: string, shell: Shell, names: readonly string[]): Promise<void> {
  await mkdir(bin);
  for (const name of names) {
    const isApplet = shell === 'busybox' && !enginePrograms.has(name);
    await symlink(findTool(isApplet ? 'busybox' : name), join(bin, name));
  }
}
