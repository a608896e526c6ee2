/** `bundlefs completion`: verbs, options and names at the press of a key. */
import { Argument, type Command } from 'commander';
import { printLines } from '../../../ground/print.ts';
import type { CompletedThing } from './run.ts';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

const completionHelp = `
It completes verbs, options, their values, files, the images of the engine and the mounts of this user.

To have it in every shell:
  bash   bundlefs completion bash > ~/.local/share/bash-completion/completions/bundlefs
         or, without the package bash-completion, in ~/.bashrc: source <(bundlefs completion bash)
  zsh    bundlefs completion zsh > ~/.zfunc/_bundlefs
         and in ~/.zshrc, before compinit: fpath+=~/.zfunc
  fish   bundlefs completion fish > ~/.config/fish/completions/bundlefs.fish
Make the file again after an upgrade.

Example:
  source <(bundlefs completion bash)`;

export function addCompletionCommand(program: Command, signal: AbortSignal): void {
  program
    .command('completion')
    .description('print the script that completes bundlefs command lines in a shell')
    .addArgument(new Argument('<shell>', 'the shell to complete in').choices(shells))
    .addHelpText('after', completionHelp)
    .action(async (shell: Shell) => {
      printLines((await createScript(program, shell)).trimEnd().split('\n'));
    });
  program
    .command('complete', { hidden: true })
    .description('print names, one a line: run by the scripts that completion prints')
    .addArgument(new Argument('<what>', 'what to name').choices(['images', 'mounts']))
    .action(async (what: CompletedThing) => {
      const { runComplete } = await import('./run.ts');
      await runComplete(what, signal);
    });
}

async function createScript(program: Command, shell: Shell): Promise<string> {
  const { readCommandTree } = await import('../../completion/command-tree.ts');
  const tree = readCommandTree(program);
  switch (shell) {
    case 'bash':
      return (await import('../../completion/bash-script.ts')).bashScript(tree);
    case 'zsh':
      return (await import('../../completion/zsh-script.ts')).zshScript(tree);
    case 'fish':
      return (await import('../../completion/fish-script.ts')).fishScript(tree);
  }
}
