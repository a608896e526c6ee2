/** `bundlefs list`: the mounts of this user. */
import type { Command } from 'commander';

export function addListCommand(program: Command, signal: AbortSignal): void {
  program
    .command('list')
    .description('list the mounts of this user, also those whose daemon has died')
    .option('--json', 'print one JSON array on standard output')
    .addHelpText('after', '\nExample:\n  bundlefs list')
    .action(async (options: { json?: boolean }) => {
      const { runList } = await import('./run.ts');
      await runList({ isJson: options.json === true, signal });
    });
}
