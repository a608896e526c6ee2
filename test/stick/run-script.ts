/** Runs load.sh and verify.sh as a stranger's machine does: by one of its shells, with its tools on the PATH and no Node. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTempFolder } from '../support/temp-folder.ts';

/** The shells that the scripts must run under. */
export const shells = ['dash', 'busybox', 'bash', 'bash-posix'] as const;
export type Shell = (typeof shells)[number];

/** What the scripts use besides the shell: docs/offline-target.md lists the same. */
export const tools = [
  ...['awk', 'cat', 'cut', 'date', 'dd', 'df', 'grep', 'id', 'ln', 'ls', 'mkdir', 'mkfifo', 'mktemp', 'rm'],
  ...['sed', 'sha256sum', 'sort', 'tail', 'tar', 'tr', 'wc', 'xz'],
];

const enginePrograms: ReadonlySet<string> = new Set(['docker', 'podman', 'nerdctl', 'ctr', 'k3s']);

export interface RunScriptOptions {
  readonly shell?: Shell;
  /** Engines' programs that are on the PATH. */
  readonly engines?: readonly string[];
  /** Tools that this machine does not have. */
  readonly without?: readonly string[];
  /** What this machine has besides the shell, where it is another list than `tools`. */
  readonly only?: readonly string[];
  /** A folder that comes first on the PATH. */
  readonly first?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Runs it in a terminal and types this. */
  readonly typed?: string;
  /** Gets the number of the process group when it has started. */
  readonly onStart?: (group: number) => void;
}

export interface ScriptResult {
  readonly status: number | string;
  /** Standard output and error output, as they came. */
  readonly said: string;
  /** What it left in the folder for temporary files. */
  readonly left: readonly string[];
}

/** Runs `path` (of a script) to its end. */
export async function runScript(
  path: string,
  args: readonly string[] = [],
  options: RunScriptOptions = {},
): Promise<ScriptResult> {
  const { shell = 'dash', engines = [], without = [], only = tools, first, env = {} } = options;
  const { cwd, typed, onStart } = options;
  const temporary = await makeTempFolder();
  const bin = await makePath(shell, [...only.filter((tool) => !without.includes(tool)), ...engines]);
  const command = [...shellCommand(shell), path, ...args];
  const [program = '', ...words] =
    typed === undefined ? command : [findTool('script'), '-qec', command.map(quote).join(' '), '/dev/null'];
  const child = spawn(program, words, {
    cwd,
    detached: true,
    // script starts what it runs with $SHELL.
    env: {
      PATH: first === undefined ? bin : `${first}:${bin}`,
      HOME: temporary,
      SHELL: '/bin/sh',
      TMPDIR: temporary,
      ...env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 120_000,
    killSignal: 'SIGKILL',
  });
  if (child.pid !== undefined) onStart?.(child.pid);
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  if (typed !== undefined) child.stdin.write(typed);
  else child.stdin.end();
  const status = await new Promise<number | string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve(code ?? signal ?? 'unknown');
    });
  });
  const left = (await readdir(temporary)).filter((name) => name.startsWith('bundlefs-'));
  return { status, said, left };
}

/** Where a command of this machine lies. */
export function findTool(name: string): string {
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
  return execFileSync('sh', ['-c', 'command -v "$1"', 'sh', name], { env, encoding: 'utf8' }).trim();
}

/** The processes of a group that still run. */
export function listGroup(group: number): string {
  return spawnSync('pgrep', ['-a', '-r', 'D,R,S,T', '-g', String(group)], { encoding: 'utf8' }).stdout;
}

function shellCommand(shell: Shell): readonly string[] {
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

/** A folder with the given commands and nothing else; under busybox they are busybox's own. */
async function makePath(shell: Shell, names: readonly string[]): Promise<string> {
  const folder = join(await makeTempFolder(), 'bin');
  await mkdir(folder);
  for (const name of names) {
    const isApplet = shell === 'busybox' && !enginePrograms.has(name);
    await symlink(findTool(isApplet ? 'busybox' : name), join(folder, name));
  }
  return folder;
}

function quote(word: string): string {
  return `'${word.replace(/'/g, `'\\''`)}'`;
}
