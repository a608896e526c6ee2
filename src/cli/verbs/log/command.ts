/** `bundlefs log`: what a mount has written down. */
import { type Command, InvalidArgumentError } from 'commander';

export function addLogCommand(program: Command, signal: AbortSignal): void {
  program
    .command('log')
    .description('show the end of the log of a mount, also of one whose daemon has died')
    .argument('[mount-point]', 'the mount; not needed where this user has one only')
    .option('-n, --lines <count>', 'how many lines', parseCount, 20)
    .option('-f, --follow', 'go on showing what is added, until Ctrl-C')
    .addHelpText('after', '\nExample:\n  bundlefs log -f /mnt/bundle')
    .action(async (mountPoint: string | undefined, options: { lines: number; follow?: boolean }) => {
      const { runLog } = await import('./run.ts');
      await runLog(mountPoint, { lineCount: options.lines, isFollowing: options.follow === true, signal });
    });
}

function parseCount(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a whole number.');
}
