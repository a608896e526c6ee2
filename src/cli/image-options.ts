/** The options that every verb with images takes: which images, from where, through which cache, with which encoder. */
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import type { CheckName } from '../blocks/profile.ts';

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
    .option(
      '--platform <os/arch>',
      'of images that are there for several: which one (default: that of this machine)',
    )
    .addOption(
      new Option('--preset <0-9[e]>', 'xz preset of newly encoded blocks')
        .argParser(parsePreset)
        .default({ preset: 6, extreme: false }, '6'),
    )
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
