/** `bundlefs delta`: only what the target lacks. */
import { type Command, Option } from 'commander';
import { type EngineKind, engineKinds } from '../../../image/engine-kinds.ts';
import { addImageOptions, type Given } from '../../options/image-options.ts';
import { addPartOptions } from '../../options/part-options.ts';
import { chooseParts } from '../../../request/part-size.ts';
import type { DeltaOptions } from './run.ts';

export function addDeltaCommand(program: Command, signal: AbortSignal): void {
  const command = addImageOptions(
    program
      .command('delta')
      .description(
        'write only what a bundle that the target has lacks, with the script that makes the new one there',
      )
      .argument(
        '[images...]',
        'image names, ids or patterns of the new bundle; without any, what bundlefs.yaml says, or all of an archive',
      )
      .requiredOption(
        '--base <what>',
        'what the target has: a bundle, a folder with one or its parts, a bundle.json, the digest of a recipe, @N (0 for the last bundle built, 1 for the one before it), recipe:FILE, or an image, of which build would make it (repeatable)',
        (name: string, before: readonly string[] | undefined) => [...(before ?? []), name],
      )
      .requiredOption('-o, --output <file>', 'the file to write, such as update.delta'),
  );
  addPartOptions(command)
    .addOption(
      new Option(
        '--for <kind>',
        'for an engine that has the images of the base, and not their bundle: docker with its own store (docker) or with that of containerd (containerd-store)',
      )
        .choices(engineKinds)
        .conflicts(['archiveOnly', 'maxFileSize', 'media']),
    )
    .option('--archive-only', 'rebuild images.tar.xz alone, without load.sh and what else is on a stick')
    .option('--json', 'print one JSON object on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  bundlefs delta --base old/images.tar.xz shop/web:2 shop/api:2 -o update.delta\n  bundlefs delta --base /media/usb/bundle.json --compose docker-compose.yml -o update.delta\n  bundlefs delta --base @1 -o update.delta\nAt the target:\n  sh update.delta OLD\nFor an engine that has the images of the last build:\n  bundlefs delta --for docker --base @1 -o update.delta',
    )
    .action(async (images: string[], given: Given<DeltaOptions & { for: EngineKind }>) => {
      const { chooseImages } = await import('../../../request/made/selection.ts');
      const { selection, options } = await chooseImages(images, given);
      const chosen = { ...given, ...options, base: given.base ?? [], output: given.output ?? '' };
      if (given.for !== undefined) {
        const { runEngineDelta } = await import('./run-for-engine.ts');
        await runEngineDelta(selection, { ...chosen, for: given.for }, signal);
        return;
      }
      const isSplit = given.maxFileSize !== undefined || given.media !== undefined;
      const { runDelta } = await import('./run.ts');
      await runDelta(
        selection,
        { ...chosen, ...(isSplit ? {} : chooseParts(selection.project?.stick)) },
        signal,
      );
    });
}
