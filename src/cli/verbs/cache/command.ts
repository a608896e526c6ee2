/** `bundlefs cache`: what is kept, and for how long. */
import type { Command } from 'commander';
import { addCacheOption } from '../../options/image-options.ts';
import { addLimitOptions } from '../../options/limit-options.ts';
import type { CacheGcOptions } from './gc.ts';
import type { CacheInfoOptions } from './info.ts';
import type { CacheVerifyOptions } from './verify.ts';

const gcHelp = `
What running builds, mounts and readers use is never removed. Of the rest:
  --keep-last COUNT  protects all that the COUNT bundles used last need; 1 if you say nothing. Given alone, all else goes.
  --older-than AGE   removes what no bundle used for longer.
  --max-size SIZE    then removes more, what was used longest ago first, until the cache has that size.
  --keep-recipe FILE protects all that the images of a recipe need.
What is not given here is what "gc" in bundlefs.yaml says, and of the size, $BUNDLEFS_CACHE_MAX_SIZE.
Without any limit only goes what interrupted builds left a day ago or longer.
What is removed is encoded again when it is wanted. Records of it stay for a year: they are small.

Examples:
  bundlefs cache gc --max-size 20G --keep-last 5 --older-than 30d --dry-run
  bundlefs cache gc --keep-last 1`;

export function addCacheCommand(program: Command, signal: AbortSignal): void {
  const cache = program.command('cache').description('look after the cache of encoded blocks');
  addLimitOptions(
    addCacheOption(cache.command('info').description('what the cache holds, for which bundles')),
  )
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', '\nExample:\n  bundlefs cache info --cache /var/cache/bundlefs')
    .action(async (options: CacheInfoOptions) => {
      const { runCacheInfo } = await import('./info.ts');
      await runCacheInfo(options);
    });
  addLimitOptions(addCacheOption(cache.command('gc').description('remove what is not used any more')))
    .option('--dry-run', 'only say what would be removed')
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', gcHelp)
    .action(async (options: CacheGcOptions) => {
      const { runCacheGc } = await import('./gc.ts');
      await runCacheGc(options, signal);
    });
  addCacheOption(cache.command('verify').description('check every block against its record'))
    .option('--repair', 'set damaged blocks aside, so that the next build makes them again')
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', '\nExample:\n  bundlefs cache verify --repair')
    .action(async (options: CacheVerifyOptions) => {
      const { runCacheVerify } = await import('./verify.ts');
      await runCacheVerify(options, signal);
    });
}
