/** The text of a delta: facts, scripts and lists, all of it POSIX sh, before the bytes it brings (docs/format.md, "The delta"). */
import { type Digest, hexOf } from '../../ground/digest.ts';
import { readScript } from '../stick/read-scripts.ts';

export interface DeltaText {
  /** The version of what follows. */
  readonly format: string;
  /** The second line, for whoever looks into the file. */
  readonly summary: string;
  /** Name and version of the program. */
  readonly tool: string;
  /** Variables of the shell. */
  readonly facts: Readonly<Record<string, string | number>>;
  /** The script that runs, of the folder `stick`; stick/delta.sh goes before it. */
  readonly script: string;
  /** Functions that print lines. No line may be "END". */
  readonly lists: Readonly<Record<string, readonly string[]>>;
  /** The function that runs all. */
  readonly main: string;
  /** The bytes that lie behind the text. */
  readonly own: { readonly size: number; readonly digest: Digest };
}

/** Digits of the largest safe integer: the size of the delta stands in its own text, so it must not change that. */
const sizeDigits = 16;

/**
 * A shell reads a script bit by bit: where it ends between two functions, nothing is wrong with it. start_delta takes
 * this back.
 */
const cutOffTrap = `trap 'echo "Cannot use this file: it is cut off. Copy it again." >&2; exit 5' EXIT`;

/** The text before the bytes that a delta brings. The same text gives the same bytes. Throws output-failed as readScript does. */
export async function renderDeltaText(text: DeltaText): Promise<Uint8Array> {
  const { format, summary, tool, facts, script, lists, main, own } = text;
  const scripts = await Promise.all(['delta.sh', script].map(readScriptText));
  const render = (size: number): Uint8Array =>
    Buffer.from(
      [
        '#!/bin/sh',
        cutOffTrap,
        `# ${summary}`,
        `delta_format=${format}`,
        `delta_tool=${quote(tool)}`,
        `delta_size=${String(size).padEnd(sizeDigits)}`,
        `delta_block_size=${own.size}`,
        `delta_block_sha256=${hexOf(own.digest)}`,
        ...Object.entries(facts).map(([name, value]) => `${name}=${quote(String(value))}`),
        ...scripts,
        ...Object.entries(lists).flatMap(([name, lines]) => [
          // No here-document: some shells write these to a temporary file, which may have no room.
          `${name}() {`,
          `  printf '%s\\n' '${lines.map((line) => checkLine(line)).join('\n')}'`,
          '}',
        ]),
        // The last line, so that a file that was cut off does nothing but say so; what follows it is no text.
        `${main} "$@"; exit`,
        '',
      ].join('\n'),
    );
  return render(render(0).length + own.size);
}

async function readScriptText(name: string): Promise<string> {
  const text = Buffer.from(await readScript(name)).toString();
  return text.replace(/^#!.*\n/, '').trimEnd();
}

/** A line of a list, which a shell is given as it is: names, digests and numbers. Throws RangeError for anything else. */
function checkLine(line: string): string {
  if (/^[A-Za-z0-9 ._:@/+,-]*$/.test(line)) return line;
  throw new RangeError(`A delta cannot have the line ${JSON.stringify(line)}`);
}

/** A word of sh; what a name may not have on somebody else's terminal becomes "?". */
function quote(text: string): string {
  return `'${text.replace(/[^A-Za-z0-9 ._:@/+,()\n-]/g, '?')}'`;
}
