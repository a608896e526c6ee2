/** `bundlefs diff`: what is different between two bundles. */
import type { Command } from 'commander';
import { addCacheOption } from '../../options/image-options.ts';
import { parseTop } from '../../options/limit-options.ts';
import type { DiffOptions } from './run.ts';

export function addDiffCommand(program: Command, signal: AbortSignal): void {
  addCacheOption(
    program
      .command('diff')
      .description('compare two bundles: images, bytes that are new, and down to files')
      .argument(
        '<before>',
        'a bundle or another image archive; a folder or mount with one; an OCI layout; recipe.json or bundle.json; the digest of a recipe in the cache; or @N: 0 for the last bundle built, 1 for the one before it',
      )
      .argument('<after>', 'the same'),
  )
    .option('--files', 'compare the files of rebuilt images, merged from all of their layers')
    .option('--media', 'say which parts of a split bundle, and so which discs, must be replaced')
    .option('--top <count>', 'files to list for each group of images, largest first; 0 for all', parseTop, 20)
    .option('--json', 'print one JSON object on standard output, with all files')
    .option('--exit-code', 'end with status 10 where the bundles differ in an image')
    .addHelpText(
      'after',
      '\nExamples:\n  bundlefs diff old/images.tar.xz images.tar.xz --files\n  bundlefs diff @1 @0\n  bundlefs diff /media/usb /mnt/bundle',
    )
    .action(async (before: string, after: string, options: DiffOptions) => {
      const { runDiff } = await import('./run.ts');
      await runDiff(before, after, options, signal);
    });
}
