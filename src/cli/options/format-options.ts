/** The options that say in which format a bundle is written: `--format` and `--zst-level`. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { BundleError } from '../../ground/errors.ts';
import { defaultZstLevel } from '../../bundle/zst/zst-profile.ts';

/** `.tar.xz`, or `.tar.zst` for loaders that read no xz. */
export type BundleFormat = 'xz' | 'zst';

export interface ZstOptions {
  readonly zstLevel?: number;
}

export interface FormatOptions extends ZstOptions {
  readonly format?: BundleFormat;
}

export interface ChosenFormat {
  readonly format: BundleFormat;
  readonly level: number;
}

/** Adds both options to `command`; `byDefault` says what holds without `--format`. */
export function addFormatOptions(command: Command, byDefault: string): Command {
  return addZstOptions(
    command.addOption(
      new Option(
        '--format <name>',
        `xz, or zst for containerd and k3s, which read no xz (default: ${byDefault})`,
      ).choices(['xz', 'zst']),
    ),
  );
}

/** Adds `--zst-level` alone. */
export function addZstOptions(command: Command): Command {
  return command.addOption(
    new Option(
      '--zst-level <1-19>',
      `the level of newly encoded zstd frames (default: ${defaultZstLevel})`,
    ).argParser(parseLevel),
  );
}

/** What is given, else what the name of `output` says. Throws invalid-argument for a level that nothing would have. */
export function chooseFormat({ format, zstLevel }: FormatOptions, output = ''): ChosenFormat {
  const chosen = format ?? (hasZstName(output) ? 'zst' : 'xz');
  if (chosen === 'xz' && zstLevel !== undefined) {
    throw new BundleError('invalid-argument', 'Cannot use --zst-level: the bundle is written as xz', {
      hint: 'Use --format zst, or --preset for the level of xz.',
    });
  }
  return { format: chosen, level: zstLevel ?? defaultZstLevel };
}

/** Whether a file of this name is expected to be zstd. */
export function hasZstName(path: string): boolean {
  return /\.t?zst$/i.test(path);
}

function parseLevel(text: string): number {
  const level = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (level >= 1 && level <= 19) return level;
  throw new InvalidArgumentError('It is a whole number from 1 to 19.');
}
