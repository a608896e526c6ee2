/** The manual pages: one of the program and one of every verb, made of the command line's own definitions. */
import type { Command } from 'commander';
import {
  type ArgumentNode,
  type CommandNode,
  listNodes,
  type OptionNode,
  readCommandTree,
} from '../../src/cli/completion/command-tree.ts';
import { exitStatus, unexpectedStatus } from '../../src/cli/exit-status.ts';
import { type AfterHelp, readAfterHelp } from './after-help.ts';
import { escapeArgument, escapeText, item, literal, section } from './roff.ts';
import {
  environmentTexts,
  exitStatusTexts,
  fileTexts,
  otherPages,
  programText,
  verbTexts,
} from './sections.ts';

export interface ManPage {
  /** `bundlefs-cache-gc.1`. */
  readonly fileName: string;
  readonly text: string;
}

/** The pages of `program`, whose output is redirected by this. */
export function createManPages(program: Command, version: string): ManPage[] {
  const root = readCommandTree(program);
  return listNodes(root).map((node) => ({
    fileName: `${nameOf(node)}.1`,
    text: `${createPage(node, root, readAfterHelp(findCommand(program, node)), version).join('\n')}\n`,
  }));
}

function findCommand(program: Command, { words }: CommandNode): Command {
  let found = program;
  for (const word of words.slice(1)) {
    const next = found.commands.find((command) => command.name() === word);
    if (next === undefined) throw new TypeError(`there is no verb "${words.join(' ')}"`);
    found = next;
  }
  return found;
}

function createPage(node: CommandNode, root: CommandNode, help: AfterHelp, version: string): string[] {
  const title = escapeArgument(nameOf(node).toUpperCase());
  return [
    `.\\" Made by npm run man from the definitions of the verbs: edit those, or scripts/man.`,
    `.TH ${title} 1 "" ${escapeArgument(`bundlefs ${version}`)} "bundlefs"`,
    ...section('NAME', `${escapeText(nameOf(node))} \\- ${escapeText(withoutStop(node.description))}`),
    ...section('SYNOPSIS', `.B ${escapeArgument(node.words.join(' '))}`, escapeText(node.usage)),
    ...section('DESCRIPTION', ...descriptionLines(node, help)),
    ...section('COMMANDS', ...node.commands.flatMap((sub) => commandItem(sub))),
    ...section('OPTIONS', ...node.options.flatMap((option) => optionItem(option))),
    ...section('EXIT STATUS', ...exitStatusLines(node)),
    ...section('ENVIRONMENT', ...environmentLines(node)),
    ...section('FILES', ...(isProgram(node) ? listItems(fileTexts) : [])),
    ...section('EXAMPLES', ...(help.examples.length === 0 ? [] : literal(help.examples))),
    ...section('SEE ALSO', seeAlso(node, root).map(reference).join(',\n')),
  ];
}

function descriptionLines(node: CommandNode, { parts }: AfterHelp): string[] {
  const written = isProgram(node)
    ? programText
    : [sentence(node.description), ...(verbTexts[verbOf(node)] ?? [])];
  return [
    ...written.flatMap((text) => ['.PP', escapeText(text)]),
    ...node.arguments.flatMap((argument) => argumentItem(argument)),
    ...parts.flatMap((part) =>
      part.kind === 'paragraph' ? ['.PP', escapeText(part.text)] : item(part.term, part.text),
    ),
  ].slice(1); // no paragraph needs to begin right below a heading
}

function argumentItem({ name, description, isVariadic, type }: ArgumentNode): string[] {
  const choices = type.kind === 'choice' ? ` One of ${type.choices.join(', ')}.` : '';
  return item(`${name}${isVariadic ? '...' : ''}`, `${sentence(description)}${choices}`);
}

function commandItem({ words, description }: CommandNode): string[] {
  return item(words.slice(1).join(' '), sentence(description));
}

function optionItem({ flags, description, value, defaultText }: OptionNode): string[] {
  const choices = value?.type.kind === 'choice' ? ` One of ${value.type.choices.join(', ')}.` : '';
  const byDefault = defaultText === undefined ? '' : ` The default is ${defaultText}.`;
  return item(flags, `${sentence(description)}${choices}${byDefault}`);
}

function exitStatusLines(node: CommandNode): string[] {
  if (isProgram(node)) {
    const statuses = new Set([0, unexpectedStatus, 10, ...Object.values(exitStatus)]);
    return [...statuses]
      .sort((a, b) => a - b)
      .flatMap((status) => item(String(status), exitStatusTexts[status] ?? ''));
  }
  const differs = node.options.find(({ long }) => long === '--exit-code');
  return [
    escapeText('0 where all went well.'),
    ...(differs === undefined ? [] : [escapeText(`With --exit-code: ${differs.description}.`)]),
    'All others are listed in',
    reference(`${node.words[0] ?? ''}(1)`) + '.',
  ];
}

/** All of them on the page of the program; on those of verbs, those that its options speak of. */
function environmentLines(node: CommandNode): string[] {
  if (isProgram(node)) return listItems(environmentTexts);
  const said = node.options.map(({ description }) => description).join(' ');
  const names = [...new Set(said.match(/\$[A-Z][A-Z_]+/g) ?? [])].map((name) => name.slice(1));
  return names.flatMap((name) => {
    const [, text = 'See above.'] =
      Object.entries(environmentTexts).find(([key]) => key.split(', ').includes(name)) ?? [];
    return item(name, text);
  });
}

function listItems(texts: Readonly<Record<string, string>>): string[] {
  return Object.entries(texts).flatMap(([term, text]) => item(term, text));
}

function seeAlso(node: CommandNode, root: CommandNode): string[] {
  if (isProgram(node))
    return [
      ...listNodes(root)
        .slice(1)
        .map((one) => `${nameOf(one)}(1)`),
      ...otherPages,
    ];
  const above = node.words.slice(0, -1).join('-');
  const parent = above === root.words[0] ? root : listNodes(root).find((one) => nameOf(one) === above);
  const near = [...(parent === root ? [] : (parent?.commands ?? [])), ...node.commands];
  const others = near.filter((one) => one !== node).map((one) => nameOf(one));
  return [...new Set([root.words[0] ?? '', above, ...others])].map((name) => `${name}(1)`);
}

function reference(page: string): string {
  const [, name = page, number = ''] = /^(.*)(\(\d\))$/.exec(page) ?? [];
  return `\\fB${escapeText(name)}\\fR${number}`;
}

function isProgram({ words }: CommandNode): boolean {
  return words.length === 1;
}

function nameOf({ words }: CommandNode): string {
  return words.join('-');
}

function verbOf({ words }: CommandNode): string {
  return words.slice(1).join(' ');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${withoutStop(text).slice(1)}.`;
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, '');
}
