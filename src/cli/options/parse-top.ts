/** The value of `--top`. */
import { InvalidArgumentError } from 'commander';

/** How many lines to show: Infinity for 0. Throws commander's own error, which names the option. */
export function parseTop(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is a number, and 0 for all.');
  return Number(text) === 0 ? Number.POSITIVE_INFINITY : Number(text);
}
