/** Completion for fish: one `complete` for each verb, option and kind of argument (fish's complete(1)). */
import { type CommandNode, firstClause, listNodes, type OptionNode, type ValueKind } from './command-tree.ts';

/** A script that lies in ~/.config/fish/completions as bundlefs.fish, or is sourced. */
export function fishScript(root: CommandNode): string {
  const nodes = listNodes(root);
  const name = root.words[0] ?? '';
  const paths = nodes.slice(1).map((node) => quote(pathOf(node)));
  return `# fish completion for ${name}, made by: ${name} completion fish

# The verbs in front of the cursor, such as "cache gc".
function __${name}_path
    set -l verbs ${paths.join(' ')}
    set -l path ''
    set -l tokens (commandline -opc)
    for token in $tokens[2..-1]
        string match -q -- '-*' $token; and continue
        contains -- (string trim "$path $token") $verbs; or break
        set path (string trim "$path $token")
    end
    echo $path
end
function __${name}_at
    test (__${name}_path) = "$argv[1]"
end
# Offers the names that the program itself knows.
function __${name}_ask
    set -l tokens (commandline -opc)
    $tokens[1] complete $argv[1] 2>/dev/null
end
complete -c ${name} -f
${nodes.flatMap((node) => linesOf(name, node)).join('\n')}
`;
}

function linesOf(name: string, node: CommandNode): string[] {
  const start = `complete -c ${name} -n ${quote(`__${name}_at ${quote(pathOf(node))}`)}`;
  const kinds = new Map(node.arguments.map(({ type }) => [type.kind, type]));
  return [
    ...node.commands.map(
      ({ words, description }) =>
        `${start} -a ${quote(words.at(-1) ?? '')} -d ${quote(firstClause(description))}`,
    ),
    ...node.options.map((option) => `${start} ${optionWords(name, option).join(' ')}`),
    ...[...kinds.values()].flatMap((type) => {
      const words = argumentWords(name, type);
      return words.length === 0 ? [] : [`${start} ${words.join(' ')}`];
    }),
  ];
}

function optionWords(name: string, { short, long, description, value }: OptionNode): string[] {
  return [
    ...(short === undefined ? [] : ['-s', short.slice(1)]),
    ...(long === undefined ? [] : ['-l', long.slice(2)]),
    ...(value === undefined ? [] : valueWords(name, value.type)),
    ...['-d', quote(firstClause(description))],
  ];
}

/** Without `-F` or `-f`, fish offers files as well. */
function valueWords(name: string, type: ValueKind): string[] {
  const words = argumentWords(name, type);
  return words.includes('-F') ? ['-r', ...words] : ['-r', '-f', ...words];
}

/** With `-F` files are offered, too. */
function argumentWords(name: string, type: ValueKind): string[] {
  const ask = (what: string): string => `(__${name}_ask ${what})`;
  const folders = '(__fish_complete_directories)';
  switch (type.kind) {
    case 'choice':
      return ['-a', quote(type.choices.join(' '))];
    case 'file':
      return ['-F'];
    case 'folder':
      return ['-a', quote(folders)];
    case 'image':
      return ['-a', quote(ask('images'))];
    case 'image-or-folder':
      return ['-a', quote(`${ask('images')} ${folders}`)];
    case 'mount':
      return ['-a', quote(`${ask('mounts')} ${folders}`)];
    case 'source':
      return ['-F', '-a', quote('docker docker: oci: recipe: -')];
    case 'text':
      return [];
  }
}

function pathOf({ words }: CommandNode): string {
  return words.slice(1).join(' ');
}

/** Between single quotes, fish knows two escapes. */
function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
