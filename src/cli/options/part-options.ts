/** The options that say in which pieces a bundle goes onto media: `--max-file-size` and `--media`. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { mediaNames } from '../../product/stick/media.ts';
import { findSize } from '../../ground/parse-size.ts';

/** Adds the two options to `command`; who gives both gets an error. */
export function addPartOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--max-file-size <size>',
        'split images.tar.xz into parts of at most this size, such as 4095M or 700MB',
      )
        .argParser(parseSize)
        .conflicts('media'),
    )
    .addOption(
      new Option(
        '--media <kind>',
        'split it so that each part fits: into a file on fat32, or onto a disc (cd, dvd)',
      ).choices(mediaNames),
    );
}

function parseSize(text: string): number {
  const size = findSize(text);
  if (size !== undefined && size > 0) return size;
  throw new InvalidArgumentError(
    'It is a number with a unit: K, M or G (powers of 1024), KB, MB or GB (powers of 1000).',
  );
}
