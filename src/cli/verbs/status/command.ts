/** `bundlefs status`: how a mount is. */
import type { Command } from 'commander';

export function addStatusCommand(program: Command, signal: AbortSignal): void {
  program
    .command('status')
    .description('say how a mount is: what it shows, when it was refreshed last and with what result')
    .argument('[mount-point]', 'the mount; not needed where this user has one only')
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', '\nExample:\n  bundlefs status /mnt/bundle')
    .action(async (mountPoint: string | undefined, options: { json?: boolean }) => {
      const { runStatus } = await import('./run.ts');
      await runStatus(mountPoint, { isJson: options.json === true, signal });
    });
}
