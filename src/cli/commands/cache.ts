/** `bundlefs cache`: what is kept. */
import type { Command } from 'commander';
import type { CacheMeasure, FolderMeasure } from '../../blocks/measure-cache.ts';
import { formatSize, formatTable } from '../format-text.ts';
import { addCacheOption } from '../image-options.ts';

interface CacheOptions {
  readonly cache?: string;
  readonly json?: boolean;
}

export function addCacheCommand(program: Command): void {
  const cache = program.command('cache').description('look after the cache of encoded blocks');
  addCacheOption(cache.command('info').description('what the cache holds'))
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', '\nExample:\n  bundlefs cache info --cache /var/cache/bundlefs')
    .action(showInfo);
}

async function showInfo(options: CacheOptions): Promise<void> {
  const [{ cachePath, findCache }, { measureCache }] = await Promise.all([
    import('../../blocks/cache.ts'),
    import('../../blocks/measure-cache.ts'),
  ]);
  const cache = await findCache(cachePath(options.cache, process.env));
  const measure = await measureCache(cache);
  const text =
    options.json === true ? JSON.stringify({ path: cache.root, ...measure }) : toText(cache.root, measure);
  process.stdout.write(`${text}\n`);
}

function toText(root: string, measure: CacheMeasure): string {
  const row = (what: string, { fileCount, size }: FolderMeasure): string[] => [
    what,
    String(fileCount),
    formatSize(size),
  ];
  const rows = [
    ...measure.blocks.map((folder) => row(`blocks of ${folder.name}`, folder)),
    ...measure.layers.map((folder) => row(`layers of ${folder.name}`, folder)),
    row('image configs', measure.configs),
    row('recipes', measure.recipes),
    row('image ids', measure.images),
    ...(measure.bad.fileCount > 0 ? [row('damaged, set aside', measure.bad)] : []),
  ];
  return `${root}\n${formatTable(['what', '>files', '>size'], rows)}`;
}
