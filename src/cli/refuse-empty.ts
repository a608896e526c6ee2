/** Refuses empty arguments and option values, which would mean the working folder, a default, or nothing at all. */
import type { Command } from 'commander';
import { BundleError } from '../ground/errors.ts';

/** Throws invalid-argument where one that `command` was given is empty. */
export function refuseEmpty(command: Command): void {
  if (command.args.includes('')) throw empty('an argument');
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName());
    if (value === '' || (Array.isArray(value) && value.includes('')))
      throw empty(option.long ?? option.flags);
  }
}

function empty(what: string): BundleError {
  return new BundleError('invalid-argument', `Cannot use ${what} "": it is empty`, {
    hint: 'Perhaps it is a variable of the shell that is not set.',
  });
}
