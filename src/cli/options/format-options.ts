/** The options that say in which format a bundle is written: `--format` and `--zst-level`. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { defaultZstLevel } from '../../bundle/zst/zst-profile.ts';

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

function parseLevel(text: string): number {
  const level = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (level >= 1 && level <= 19) return level;
  throw new InvalidArgumentError('It is a whole number from 1 to 19.');
}
