/** `bundlefs build`: a bundle as a plain file. */
import type { Command } from 'commander';
import { addImageOptions } from '../image-options.ts';
import type { BuildOptions } from '../run-build.ts';

export function addBuildCommand(program: Command, signal: AbortSignal): void {
  addImageOptions(
    program
      .command('build')
      .description('write the bundle of these images to a file')
      .argument(
        '[images...]',
        'image names; may be left out for an archive or OCI layout: then all its images',
      )
      .requiredOption(
        '-o, --output <file>',
        'the file to write; one that is there is replaced when the new one is whole',
      ),
  )
    .option('--json', 'print one JSON object on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  bundlefs build shop/web:1 shop/api:1 -o images.tar.xz\n  docker save shop/web:1 | bundlefs build --from - -o images.tar.xz',
    )
    .action(async (images: string[], options: BuildOptions) => {
      const { runBuild } = await import('../run-build.ts');
      await runBuild(images, options, signal);
    });
}
