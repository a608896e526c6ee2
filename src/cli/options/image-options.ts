/** The options that every verb with images takes: which images, from where, through which cache, with which encoder. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { GivenImageOptions } from '../../request/resolve-selection.ts';
import { checkNames, findPreset, type PresetChoice, type Settings } from '../../request/settings.ts';

/** What commander gives for a verb that takes `Options` when they are complete. */
export type Given<Options extends Settings> = GivenImageOptions & Partial<Omit<Options, keyof Settings>>;

/** What the argument `images` of a verb may be. */
export const imagesHelp =
  'image names, ids or patterns such as "shop/*:1.*"; without any, what bundlefs.yaml says, or all of an archive';

/** Adds `--from`, `--images-file`, `--compose` and all others of Settings to `command`. */
export function addImageOptions(command: Command): Command {
  return addSourceOptions(
    command
      .option(
        '--images-file <file>',
        'a list of images, one a line; - for standard input (repeatable)',
        append,
      )
      .option(
        '--compose <file>',
        'the images of the services of a Compose file, or of the one in a folder (repeatable: later ones override)',
        append,
      )
      .option(
        '--profile <name>',
        'a Compose profile that is active (repeatable; default: $COMPOSE_PROFILES)',
        append,
      )
      .option(
        '--env-file <file>',
        'variables for the Compose file (repeatable; default: $COMPOSE_ENV_FILES, else the .env beside it)',
        append,
      )
      .option(
        '--tag-as <name=new>',
        'another name for an image in the bundle: shop/*=customer/* (repeatable)',
        append,
      ),
  );
}

/** Those of Settings that do not choose images: for verbs that are about one. */
export function addSourceOptions(command: Command): Command {
  return addCacheOption(
    command.option(
      '--from <source>',
      'where images come from: docker, docker:<host>, docker://<registry>[/<image>], oci:<folder>, recipe:<file>, an archive, or - for standard input (default: $BUNDLEFS_FROM, else docker)',
    ),
  )
    .option(
      '--platform <os/arch>',
      'which platform of an image to take that is there for several (default: $BUNDLEFS_PLATFORM, else $DOCKER_DEFAULT_PLATFORM, else that of this machine)',
    )
    .option('--skip-unloadable', 'leave out images that no engine would load, and say which and why')
    .addOption(
      new Option(
        '--preset <0-9[e]>',
        'xz preset of newly encoded blocks (default: $BUNDLEFS_PRESET, else 6)',
      ).argParser(parsePreset),
    )
    .addOption(
      new Option('--fast', 'preset 1: new blocks in a quarter of the time, an eighth larger').conflicts(
        'preset',
      ),
    )
    .addOption(
      new Option(
        '--check <name>',
        'integrity check of newly encoded blocks (default: $BUNDLEFS_CHECK, else crc64)',
      ).choices(checkNames),
    );
}

/** Adds `--cache`, and `--config` for the project file that may name the cache, to `command`. */
export function addCacheOption(command: Command): Command {
  return command
    .option('--config <file>', 'the project file (default: bundlefs.yaml in this folder, if there is one)')
    .option('--no-config', 'use no project file')
    .option(
      '--cache <folder>',
      'where blocks are kept (default: "cache" in bundlefs.yaml, else $BUNDLEFS_CACHE, else ~/.cache/bundlefs)',
    );
}

/** `6`, `9e`. Throws commander's own error, which names the option. */
function parsePreset(text: string): PresetChoice {
  const preset = findPreset(text);
  if (preset !== undefined) return preset;
  throw new InvalidArgumentError('It is a digit from 0 to 9, and an "e" behind it for extreme.');
}

function append(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}
