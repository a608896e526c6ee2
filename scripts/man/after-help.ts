/** Reads what a verb's help says below its options: prose, lists, examples. */
import type { Command } from 'commander';

export type HelpPart =
  | { readonly kind: 'paragraph'; readonly text: string }
  | { readonly kind: 'item'; readonly term: string; readonly text: string };

export interface AfterHelp {
  readonly parts: readonly HelpPart[];
  /** Command lines, as they were indented. */
  readonly examples: readonly string[];
}

/** Items are indented and have two blanks behind their term; what is indented further goes on with the last one. */
export function readAfterHelp(command: Command): AfterHelp {
  const lines = printAfterHelp(command).split('\n');
  const start = lines.findIndex((line) => /^Examples?:$/.test(line));
  const prose = start === -1 ? lines : lines.slice(0, start);
  const examples = start === -1 ? [] : lines.slice(start + 1).map((line) => line.replace(/^ {2}/, ''));
  return { parts: readParts(prose), examples: examples.filter((line) => line !== '') };
}

function printAfterHelp(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return text.slice(command.helpInformation().length);
}

function readParts(lines: readonly string[]): HelpPart[] {
  const parts: HelpPart[] = [];
  let isOpen = false;
  for (const line of lines) {
    const [, term, itemText] = /^ {2}(\S.*?) {2,}(\S.*)$/.exec(line) ?? [];
    const last = isOpen ? parts.at(-1) : undefined;
    const text = line.trim();
    if (text === '') isOpen = false;
    else if (term !== undefined && itemText !== undefined) {
      parts.push({ kind: 'item', term, text: itemText });
      isOpen = true;
    } else if (last !== undefined && (last.kind === 'paragraph') === !line.startsWith(' ')) {
      parts[parts.length - 1] = { ...last, text: `${last.text} ${text}` };
    } else {
      parts.push({ kind: 'paragraph', text });
      isOpen = true;
    }
  }
  return parts;
}
