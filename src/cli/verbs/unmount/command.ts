/** `bundlefs unmount`: ends a mount. */
import type { Command } from 'commander';

export function addUnmountCommand(program: Command): void {
  program
    .command('unmount')
    .description('end a mount; refused while somebody reads from it')
    .argument('<mount-point>', 'the folder that was given to bundlefs mount')
    .option('--lazy', 'detach it now and let open files be read to their end')
    .addHelpText('after', '\nExample:\n  bundlefs unmount /mnt/bundle')
    .action(async (mountPoint: string, options: { lazy?: boolean }) => {
      const { runUnmount } = await import('./run.ts');
      await runUnmount(mountPoint, { lazy: options.lazy === true });
    });
}
