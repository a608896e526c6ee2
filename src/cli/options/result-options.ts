/** The options of verbs that make one image of another: how it is called, and where it goes. */
import { type Command, Option } from 'commander';
import { addFormatOptions } from './format-options.ts';

/** Adds `-t`, `-o`, `--into`, `--json` and the options of the format to `command`. */
export function addResultOptions(command: Command): Command {
  const named = command
    .option('-t, --tag <name>', 'the name of the new image (default: that of the image it is made of)')
    .option('-o, --output <file>', 'write a bundle with the new image to this file')
    .addOption(
      new Option(
        '--into <engine>',
        'load the new image into this engine: docker for the one that docker would use, or a host such as unix:///other.sock',
      ).conflicts(['output', 'format', 'zstLevel']),
    )
    .option('--json', 'print one JSON object on standard output');
  return addFormatOptions(named, 'zst for -o FILE.zst and FILE.tzst, else xz');
}
