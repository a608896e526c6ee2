/** The verbs with their options and arguments, as the command line defines them: what completion and manual pages are made of. */
import type { Argument, Command, Option } from 'commander';

/** What a value on the command line is, so that a shell can offer some. */
export type ValueKind =
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  | { readonly kind: 'file' | 'folder' | 'image' | 'image-or-folder' | 'mount' | 'source' }
  /** A number, a name: nothing can be offered. */
  | { readonly kind: 'text' };

export interface OptionNode {
  /** `-o, --output <file>`, as help shows it. */
  readonly flags: string;
  /** With its dash or dashes; one of both is always there. */
  readonly short: string | undefined;
  readonly long: string | undefined;
  /** Without the choices and the default, where commander appends these. */
  readonly description: string;
  /** Undefined where the option takes none. */
  readonly value: { readonly name: string; readonly type: ValueKind } | undefined;
  readonly defaultText: string | undefined;
  readonly isRepeatable: boolean;
}

export interface ArgumentNode {
  readonly name: string;
  readonly description: string;
  readonly isVariadic: boolean;
  readonly type: ValueKind;
}

export interface CommandNode {
  /** From the program on: `['bundlefs', 'cache', 'gc']`. */
  readonly words: readonly string[];
  readonly description: string;
  /** Behind the words: `[options] <before> <after>`. */
  readonly usage: string;
  readonly options: readonly OptionNode[];
  readonly arguments: readonly ArgumentNode[];
  readonly commands: readonly CommandNode[];
}

/** By the names of arguments and of options' values. */
const kinds: Readonly<Record<string, Exclude<ValueKind['kind'], 'choice'>>> = {
  file: 'file',
  before: 'file',
  after: 'file',
  folder: 'folder',
  dest: 'folder',
  destination: 'folder',
  'mount-point': 'mount',
  image: 'image',
  images: 'image',
  'images-and-registry': 'image',
  older: 'image',
  base: 'file',
  'images-and-mount-point': 'image-or-folder',
  source: 'source',
};

/** `command` and all below it. Hidden verbs and options, and the verb `help` of verbs, are left out. */
export function readCommandTree(command: Command, above: readonly string[] = []): CommandNode {
  const help = command.createHelp();
  const words = [...above, command.name()];
  return {
    words,
    description: command.description(),
    usage: command.usage(),
    options: help.visibleOptions(command).map((option) => readOption(option)),
    arguments: command.registeredArguments.map((argument) => readArgument(argument)),
    commands: help
      .visibleCommands(command)
      .filter((sub) => command.commands.includes(sub))
      .map((sub) => readCommandTree(sub, words)),
  };
}

/** All nodes, those above before those below them. */
export function listNodes(node: CommandNode): readonly CommandNode[] {
  return [node, ...node.commands.flatMap((sub) => listNodes(sub))];
}

/** What of a description fits into a line beside others: what stands before a colon, a semicolon or a parenthesis. */
export function firstClause(description: string): string {
  return description.split(/[:;] | \(/, 1)[0] ?? '';
}

function readOption(option: Option): OptionNode {
  const { flags, short, long, description, argChoices } = option;
  const name = /[<[](.+)[\]>]$/.exec(flags)?.[1];
  const hasDefault = option.defaultValue !== undefined && typeof option.defaultValue !== 'boolean';
  return {
    flags,
    short,
    long,
    description,
    value: name === undefined ? undefined : { name, type: typeOf(name, argChoices, 'text') },
    defaultText: hasDefault ? (option.defaultValueDescription ?? String(option.defaultValue)) : undefined,
    isRepeatable: option.variadic || description.includes('(repeatable'),
  };
}

function readArgument(argument: Argument): ArgumentNode {
  const { description, variadic, argChoices } = argument;
  const name = argument.name();
  return { name, description, isVariadic: variadic, type: typeOf(name, argChoices, 'file') };
}

/** `otherwise`: most arguments that nobody has listed above are files, most such values of options are not. */
function typeOf(name: string, choices: readonly string[] | undefined, otherwise: 'file' | 'text'): ValueKind {
  return choices === undefined ? { kind: kinds[name] ?? otherwise } : { kind: 'choice', choices };
}
