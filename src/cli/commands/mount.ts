/** `bundlefs mount`: a folder to copy the bundle from. */
import type { Command } from 'commander';
import { addImageOptions } from '../image-options.ts';
import { addPartOptions } from '../part-options.ts';
import type { MountOptions } from '../run-mount.ts';

export function addMountCommand(program: Command, signal: AbortSignal): void {
  const command = addImageOptions(
    program
      .command('mount')
      .description(
        'show the bundle of these images in a folder, to be copied from there; returns when it is ready',
      )
      .usage('[options] [images...] <mount-point>')
      .argument('<images-and-mount-point...>', 'image names, and last the empty folder to mount at'),
  );
  addPartOptions(command)
    .option('--foreground', 'serve it in this process until it is unmounted or stopped')
    .option('--allow-other', 'let other users read it too (root, for one, when an ordinary user mounts)')
    .option('--json', 'print one JSON object on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  bundlefs mount shop/web:1 shop/api:1 /mnt/bundle && cp /mnt/bundle/* /media/usb/\n  bundlefs mount --from images.tar /mnt/bundle\n  bundlefs mount --media fat32 shop/web:1 /mnt/bundle',
    )
    .action(async (args: string[], options: MountOptions) => {
      const { runMount } = await import('../run-mount.ts');
      await runMount(args.slice(0, -1), args.at(-1) ?? '', options, signal);
    });
}
