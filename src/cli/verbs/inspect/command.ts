/** `bundlefs inspect`: what a file holds. */
import type { Command } from 'commander';
import type { InspectOptions } from './run.ts';

export function addInspectCommand(program: Command, signal: AbortSignal): void {
  program
    .command('inspect')
    .description('list the images, layers and blocks of a bundle or another image archive')
    .argument('<file>', 'images.tar.xz, or any archive that docker save, podman save or skopeo wrote')
    .option('--layers', 'list every layer of every image')
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', '\nExample:\n  bundlefs inspect images.tar.xz --layers')
    .action(async (file: string, options: InspectOptions) => {
      const { runInspect } = await import('./run.ts');
      await runInspect(file, options, signal);
    });
}
