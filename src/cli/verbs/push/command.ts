/** `bundlefs push`: images to a registry. */
import type { Command } from 'commander';
import { addImageOptions, type Given } from '../../options/image-options.ts';
import type { PushOptions } from './run.ts';

export function addPushCommand(program: Command, signal: AbortSignal): void {
  addImageOptions(
    program
      .command('push')
      .description('push these images to a registry; layers that it has are not sent')
      .usage('[options] [images...] <docker://registry[/path]>')
      .argument(
        '<images-and-registry...>',
        'image names, ids or patterns, and last the registry, or the path in it below which they are put, or the whole name for one image; without images, what bundlefs.yaml says, or all of an archive',
      ),
  )
    .option('--dry-run', 'ask the registry what it has, send nothing, and say what would be sent')
    .option('--json', 'print one JSON object on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  bundlefs push shop/web:1 shop/api:1 docker://registry.example:5000\n  bundlefs push --from images.tar.xz docker://registry.example/team\n  bundlefs push --dry-run shop/web:1 docker://registry.example/shop/web:stable',
    )
    .action(async (args: string[], given: Given<PushOptions>) => {
      const { chooseImages } = await import('../../../request/made/selection.ts');
      const { runPush, choosePushPlace } = await import('./run.ts');
      const { images, place } = choosePushPlace(args);
      const { selection, options } = await chooseImages(images, given);
      await runPush(selection, place, { ...given, ...options }, signal);
    });
}
