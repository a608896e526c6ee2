/** What real shells offer for a command line, with the script that `bundlefs completion` prints for them. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { programPath, runCliOk } from '../../support/run-cli.ts';

const run = promisify(execFile);

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** Offers as they stand on the line, without descriptions, sorted. `line` begins with `bundlefs`; its end is the cursor. */
export type AskShell = (line: string, options?: AskShellOptions) => Promise<string[]>;

export interface AskShellOptions {
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs `action` with a function that asks `shell`, whose working folder is `folder`. */
export async function withShell<T>(
  shell: Shell,
  folder: string,
  action: (ask: AskShell) => Promise<T>,
): Promise<T> {
  const own = await mkdtemp('/tmp/bfs-');
  try {
    const script = join(own, shell === 'zsh' ? '_bundlefs' : 'script');
    await writeFile(script, (await runCliOk(['completion', shell])).stdout);
    const driver = join(own, 'driver');
    await writeFile(driver, drivers[shell]);
    return await action(async (line, { env } = {}) => {
      const { stdout } = await run(shell, [...flags[shell], driver, script, line], {
        cwd: folder,
        env: {
          ...process.env,
          HOME: own,
          TERM: 'dumb',
          PATH: `${join(programPath, '..')}:${process.env['PATH'] ?? ''}`,
          ...env,
        },
        timeout: 30_000,
      });
      const offers = stdout.split(/\r?\n/).filter((offer) => offer !== '');
      return [...new Set(offers)].sort();
    });
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

const flags: Readonly<Record<Shell, readonly string[]>> = {
  bash: ['--norc'],
  zsh: ['-f'],
  fish: ['--no-config'],
};

/** Splits the line as readline does: at blanks, and before and behind runs of the other characters of COMP_WORDBREAKS. */
const bashDriver = `source "$1"
COMP_LINE=$2 COMP_POINT=\${#2} COMP_WORDS=()
complete -p bundlefs >/dev/null || exit 1
for word in $2; do
  while [[ $word =~ ^([^:=]+|[:=]+) ]]; do
    COMP_WORDS+=("\${BASH_REMATCH[1]}")
    word=\${word:\${#BASH_REMATCH[1]}}
  done
done
# After a blank, or a colon, an empty word begins.
[[ $2 == *[\\ :=] ]] && COMP_WORDS+=('')
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_bundlefs
printf '%s\\n' "\${COMPREPLY[@]}"
`;

/** zsh completes in an interactive shell only: one in a pseudo-terminal, whose compadd says what it is given. */
const zshDriver = `zmodload zsh/zpty
zpty inner zsh -f -i
send() { zpty -w inner "$1" }
send 'PS1= PS2= ; unsetopt zle_bracketed_paste 2>/dev/null; stty -echo; HISTFILE='
send "fpath=(\${1:h} $fpath); autoload -U compinit; compinit -u -D"
send 'compadd() {
  if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return $?; fi
  local -a hits prefix; zparseopts -E -a ignored p:=prefix
  builtin compadd -A hits "$@"
  print -rl -- "<"\${^hits}">"
  builtin compadd "$@"
}
finish() { print -r -- "<end>"; exit }
comppostfuncs=(finish); zstyle ":completion:*" completer _complete; zstyle ":completion:*" list-prompt ""'
send 'bindkey "^I" complete-word; print -r "<re""ady>"'
zpty -r inner seen '*<ready>*'
zpty -w -n inner "$2"$'\\t'
zpty -r inner seen '*<end>*'
for hit in \${(f)seen}; do
  hit=\${hit%$'\\r'}
  [[ $hit == *'<'*'>' && $hit != *'<end>' ]] && print -r -- \${\${hit##*<}%>}
done
exit 0
`;

const fishDriver = `source $argv[1]
complete -C $argv[2] | string replace -r '\\t.*' ''; true
`;

const drivers: Readonly<Record<Shell, string>> = { bash: bashDriver, zsh: zshDriver, fish: fishDriver };
