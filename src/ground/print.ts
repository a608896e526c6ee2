/** The one place that knows standard output and standard error: each line is written as `showText` shows it. */
import { showText } from './show-text.ts';

/** For the bytes of a bundle, and for what happens to the file or pipe; lines go through `printLines`. */
export const standardOutput = process.stdout;
/** For the line that shows progress and is written over; other lines go through `warnLines`. */
export const standardError = process.stderr;

/** Writes lines for people to standard output. A line that holds a newline is shown with `\n` in it. */
export function printLines(lines: readonly string[]): void {
  standardOutput.write(join(lines));
}

/** Writes `value` to standard output, for programs: in one line, or in several with `indent` spaces. */
export function printJson(value: unknown, indent?: number): void {
  printLines(JSON.stringify(value, undefined, indent).split('\n'));
}

/** Writes lines for people to standard error. */
export function warnLines(lines: readonly string[]): void {
  standardError.write(join(lines));
}

function join(lines: readonly string[]): string {
  return lines.map((line) => `${showText(line)}\n`).join('');
}
