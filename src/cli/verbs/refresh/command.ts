/** `bundlefs refresh`: has a mount look at its images now. */
import type { Command } from 'commander';

export function addRefreshCommand(program: Command, signal: AbortSignal): void {
  program
    .command('refresh')
    .description(
      'have a mount look at its images now, wait until the new bundle is shown, and say what is different; a failure leaves the mount as it is',
    )
    .argument('[mount-point]', 'the mount; not needed where this user has one only')
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', '\nExample:\n  docker compose build && bundlefs refresh /mnt/bundle')
    .action(async (mountPoint: string | undefined, options: { json?: boolean }) => {
      const { runRefresh } = await import('./run.ts');
      await runRefresh(mountPoint, { isJson: options.json === true, signal });
    });
}
