/** `bundlefs mount`: a folder to copy the bundle from. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Selection } from '../../../request/resolve-selection.ts';
import { addImageOptions, type Given } from '../../options/image-options.ts';
import type { Settings } from '../../../request/settings.ts';
import { addPartOptions } from '../../options/part-options.ts';
import { chooseParts } from '../../../request/part-size.ts';
import type { MountOptions } from './run.ts';
import { addViewOptions, completeViews } from '../../options/view-options.ts';

export function addMountCommand(program: Command, signal: AbortSignal): void {
  const command = addImageOptions(
    program
      .command('mount')
      .description(
        'show the bundle of these images in a folder, to be copied from there; returns when it is ready',
      )
      .usage('[options] [images...] [mount-point]')
      .argument(
        '[images-and-mount-point...]',
        'image names, ids or patterns, and last the empty folder to mount at; without any, what bundlefs.yaml says',
      ),
  );
  addViewOptions(addPartOptions(command))
    .option(
      '--delta-from <base>',
      'show update.delta, too: what the target lacks that has this bundle, as for delta --base',
    )
    .option('--foreground', 'serve it in this process until it is unmounted or stopped')
    .option('--allow-other', 'let other users read it too (root, for one, when an ordinary user mounts)')
    .option(
      '--watch',
      'look again when images of the engine, or the files named, change, and show the new bundle',
    )
    .addOption(
      new Option(
        '--settle <seconds>',
        'with --watch: wait until nothing has changed for so long (default: 2)',
      ).argParser(parseSeconds),
    )
    .addOption(
      new Option(
        '--nice <0-19>',
        'how far new bundles that are made meanwhile yield to other work (default: 10)',
      ).argParser(parseNiceness),
    )
    .addOption(
      new Option('--log <format>', 'lines for people, or one JSON object a line (default: text)').choices([
        'text',
        'json',
      ]),
    )
    .option('--metrics <file>', 'keep a file of metrics for the textfile collector of a node exporter')
    .option('--json', 'print one JSON object on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  bundlefs mount shop/web:1 shop/api:1 /mnt/bundle && cp /mnt/bundle/* /media/usb/\n  bundlefs mount --from images.tar /mnt/bundle\n  bundlefs mount --media fat32 shop/web:1 /mnt/bundle\n  bundlefs mount --watch shop/web:1 shop/api:1 /mnt/bundle\n  bundlefs mount --view oci/ shop/web:1 /mnt/bundle && skopeo copy oci:/mnt/bundle/oci:shop/web:1 docker://registry.example/shop/web:1',
    )
    .action(async (args: string[], given: Given<MountOptions>) => {
      const images = args.slice(0, -1);
      const { chooseImages, chooseMountPoint } = await import('../../../request/made/selection.ts');
      const { selection, options } = await chooseImages(images, given);
      const mountPoint = chooseMountPoint(args.at(-1), selection);
      const { runMount } = await import('./run.ts');
      await runMount(
        { ...given, images },
        selection,
        mountPoint,
        completeOptions(given, options, selection),
        signal,
      );
    });
}

/** With what the project file says of the mount, where the command line does not. */
function completeOptions(
  given: Given<MountOptions>,
  options: Settings,
  { project }: Selection,
): MountOptions {
  const { watch, stick } = project ?? {};
  const metrics = given.metrics ?? watch?.metricsFile;
  const isSplit = given.maxFileSize !== undefined || given.media !== undefined;
  return {
    ...given,
    ...options,
    ...(isSplit ? {} : chooseParts(stick)),
    ...completeViews(given, stick),
    settle: given.settle ?? watch?.debounceMs ?? 2000,
    nice: given.nice ?? 10,
    log: given.log ?? watch?.logFormat ?? 'text',
    metrics,
  };
}

function parseNiceness(text: string): number {
  if (/^1?\d$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a number from 0 to 19, as for the command nice.');
}

/** Seconds, as milliseconds. */
function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0 && seconds <= 3600) return seconds * 1000;
  throw new InvalidArgumentError('It is a number of seconds, at most 3600.');
}
