/** Reads the commands of a page of the docs: its fenced blocks, and what is to come of each. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/**
 * The languages of blocks. `sh` and `console` are run, and `root` by root where a page is run as another user. The others
 * are not: files (`yaml`, `ini` …), what somebody sees (`text`), and commands for what a test machine is not: `powershell`
 * and `wsl` are for Windows, `macos` is for macOS, `systemd` for a machine that systemd has started.
 */
export const runLanguages: ReadonlySet<string> = new Set(['sh', 'console', 'root']);
export const otherLanguages: ReadonlySet<string> = new Set([
  ...['text', 'yaml', 'json', 'ini', 'groovy', 'powershell', 'wsl', 'macos', 'systemd'],
]);

export interface FencedBlock {
  /** Empty where the fence names none. */
  readonly language: string;
  /** Of the opening fence, counted from 1. */
  readonly line: number;
  readonly text: string;
}

/** A command as the page has it: a whole `sh` block, or what follows a `$ ` in a `console` block. */
export interface PageCommand {
  readonly line: number;
  readonly script: string;
  readonly byRoot: boolean;
  /** What a `console` block shows below it: lines in which … stands for what differs from run to run. */
  readonly shown: readonly string[];
}

export const pagePath = (name: string): string =>
  fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));

/** The fenced blocks of a page, also of those that are indented in a list. */
export async function readBlocks(name: string): Promise<FencedBlock[]> {
  const lines = (await readFile(pagePath(name), 'utf8')).split('\n');
  const blocks: FencedBlock[] = [];
  for (let start = 0; start < lines.length; start += 1) {
    const [, indent, language] = /^( *)```(\S*)$/.exec(lines[start] ?? '') ?? [];
    if (indent === undefined || language === undefined) continue;
    const end = lines.indexOf(`${indent}\`\`\``, start + 1);
    if (end === -1) throw new Error(`${name}:${start + 1}: the block has no end`);
    const text = lines.slice(start + 1, end).map((line) => line.slice(indent.length));
    blocks.push({ language, line: start + 1, text: text.join('\n') });
    start = end;
  }
  return blocks;
}

/** All commands of a page that are to be run, in its order. */
export async function readCommands(name: string): Promise<PageCommand[]> {
  return (await readBlocks(name)).flatMap((block) => {
    const { language, line, text } = block;
    if (language === 'sh' || language === 'root')
      return [{ line, script: text, byRoot: language === 'root', shown: [] }];
    return language === 'console' ? commandsOfConsole(block) : [];
  });
}

function commandsOfConsole({ line, text }: FencedBlock): PageCommand[] {
  const commands: (PageCommand & { shown: string[] })[] = [];
  for (const [index, shown] of text.split('\n').entries()) {
    const last = commands.at(-1);
    if (shown.startsWith('$ '))
      commands.push({ line: line + 1 + index, script: shown.slice(2), byRoot: false, shown: [] });
    else if (last === undefined) throw new Error(`line ${line}: a console block begins with "$ "`);
    else last.shown.push(shown);
  }
  return commands;
}

/** The first of the `shown` lines that `output` does not have in this order; undefined where it has them all. */
export function findMissingLine(shown: readonly string[], output: string): string | undefined {
  const lines = output.split('\n');
  let next = 0;
  return shown.find((expected) => {
    if (expected.trim() === '' || expected.trim() === '…') return false;
    const pattern = patternOf(expected);
    while (next < lines.length && !pattern.test(lines[next] ?? '')) next += 1;
    next += 1;
    return next > lines.length;
  });
}

/** A … stands for anything, a space for one or more: columns are as wide as what is in them. */
function patternOf(line: string): RegExp {
  const parts = line
    .trim()
    .split(/\s+/)
    .map((word) =>
      word
        .split('…')
        .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
        .join('.*'),
    );
  return new RegExp(`^\\s*${parts.join('\\s+')}\\s*$`);
}
