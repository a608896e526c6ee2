/** `bundlefs copy`: the bundle on a stick, checked there. */
import { type Command, Option } from 'commander';
import { addImageOptions, type Given, imagesHelp } from '../../options/image-options.ts';
import { addPartOptions } from '../../options/part-options.ts';
import { chooseParts } from '../../../request/part-size.ts';
import type { CopyOptions } from './run.ts';

/** What a mount has been given already. */
const choosingOptions = [
  ...['from', 'imagesFile', 'compose', 'profile', 'envFile', 'tagAs', 'platform', 'preset', 'check'],
  ...['maxFileSize', 'media'],
];

export function addCopyCommand(program: Command, signal: AbortSignal): void {
  const command = addImageOptions(
    program
      .command('copy')
      .description(
        'copy the bundle of these images to a stick: writes what is not there yet, reads it back from the device, goes on where it was stopped',
      )
      .argument(
        '<dest>',
        'the folder to copy to, such as one on a USB stick; made where only its last part is missing',
      )
      .argument('[images...]', imagesHelp),
  );
  addPartOptions(command)
    .addOption(
      new Option(
        '--from-mount <folder>',
        'copy what this mount shows now, or what lies in a folder copied from one, instead of images',
      ).conflicts(choosingOptions),
    )
    .option(
      '--in-place',
      'let the old files give way first: needs no room for both, takes over what they have in common; until it is done, the stick cannot be loaded',
    )
    .option('--allow-system-disk', 'let <dest> be on the disk of the system: for a folder that is no stick')
    .option('--dry-run', 'say what would be written and removed, and write nothing there')
    .option('--quiet', 'say nothing but errors')
    .option('--json', 'print one JSON object on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  bundlefs copy /media/usb shop/web:1 shop/api:1\n  bundlefs copy --media fat32 --compose docker-compose.yml /media/usb/shop\n  bundlefs copy --from-mount /mnt/bundle /media/usb',
    )
    .action(async (dest: string, images: string[], given: Given<CopyOptions>) => {
      const { runCopy, runCopyOfMount } = await import('./run.ts');
      if (given.fromMount !== undefined) {
        await runCopyOfMount(dest, images, { ...given, fromMount: given.fromMount }, signal);
        return;
      }
      const { chooseImages } = await import('../../../request/made/selection.ts');
      const { selection, options } = await chooseImages(images, given);
      const isSplit = given.maxFileSize !== undefined || given.media !== undefined;
      const parts = isSplit ? {} : chooseParts(selection.project?.stick);
      await runCopy(dest, selection, { ...given, ...options, ...parts }, signal);
    });
}
