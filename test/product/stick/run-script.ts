/** Runs load.sh and verify.sh as a stranger's machine does: by one of its shells, with its tools on the PATH and no Node. */
import { spawn, spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fillPath, findTool, type Shell, shellCommand, shells, tools } from '../../support/target-machine.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

export { findTool, type Shell, shells, tools };

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
  const bin = join(await makeTempFolder(), 'bin');
  await fillPath(bin, shell, [...only.filter((tool) => !without.includes(tool)), ...engines]);
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

/** The processes of a group that still run. */
export function listGroup(group: number): string {
  return spawnSync('pgrep', ['-a', '-r', 'D,R,S,T', '-g', String(group)], { encoding: 'utf8' }).stdout;
}

function quote(word: string): string {
  return `'${word.replace(/'/g, `'\\''`)}'`;
}
