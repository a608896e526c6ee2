/** The options that every verb with images takes: which images, from where, through which cache, with which encoder. */
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import type { Cache } from '../blocks/cache.ts';
import type { CheckName } from '../blocks/profile.ts';
import type { PreparedBundle, ProfileChoice } from '../bundle/prepare-bundle.ts';
import { formatSize } from './format-text.ts';
import { startProgress } from './progress.ts';

export interface ImageOptions {
  readonly from?: string;
  readonly cache?: string;
  readonly preset: PresetChoice;
  readonly check: CheckName;
  readonly platform?: string;
}

export interface PresetChoice {
  readonly preset: number;
  readonly extreme: boolean;
}

/** Adds `--from`, `--cache`, `--preset` and `--check` to `command`. */
export function addImageOptions(command: Command): Command {
  return addCacheOption(
    command.option(
      '--from <source>',
      'where images come from: docker, docker:<host>, oci:<folder>, an archive, or - for standard input (default: docker)',
    ),
  )
    .option('--preset <0-9[e]>', 'xz preset of newly encoded blocks', parsePreset, {
      preset: 6,
      extreme: false,
    })
    .addOption(
      new Option('--check <name>', 'integrity check of newly encoded blocks')
        .choices(['crc32', 'crc64', 'sha256'])
        .default('crc64'),
    );
}

/** Adds `--cache` to `command`. */
export function addCacheOption(command: Command): Command {
  return command.option(
    '--cache <folder>',
    'where blocks are kept (default: $BUNDLEFS_CACHE, else ~/.cache/bundlefs)',
  );
}

/** `6`, `9e`. Throws commander's own error, which names the option. */
export function parsePreset(text: string): PresetChoice {
  const match = /^([0-9])(e?)$/.exec(text);
  if (match === null)
    throw new InvalidArgumentError('It is a digit from 0 to 9, and an "e" behind it for extreme.');
  return { preset: Number(match[1]), extreme: match[2] === 'e' };
}

/** Opens the cache that the options name. */
export async function openChosenCache(options: Pick<ImageOptions, 'cache'>): Promise<Cache> {
  const { cachePath, openCache } = await import('../blocks/cache.ts');
  return openCache(cachePath(options.cache, process.env));
}

/** Prepares the bundle of `names` as the options say, with progress on a terminal. */
export async function prepareChosenBundle(
  names: readonly string[],
  options: ImageOptions,
  cache: Cache,
  signal: AbortSignal,
): Promise<PreparedBundle> {
  const [{ openSource }, { parseReference }, { prepareBundle }] = await Promise.all([
    import('../sources/open-source.ts'),
    import('../image/reference.ts'),
    import('../bundle/prepare-bundle.ts'),
  ]);
  const references = names.map((name) => parseReference(name));
  const profile: ProfileChoice = { ...options.preset, check: options.check };
  const source = await openSource(options.from, { signal });
  try {
    using progress = startProgress({ label: 'reading' });
    return await prepareBundle({
      source,
      references,
      cache,
      profile,
      signal,
      onProgress: ({ readSize, totalSize, encodedSize, reusedSize }) => {
        const note = `encoded ${formatSize(encodedSize)}, reused ${formatSize(reusedSize)}`;
        progress.show(readSize, totalSize, note);
      },
    });
  } finally {
    await source.close();
  }
}
