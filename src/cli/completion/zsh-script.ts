/** Completion for zsh: a function for each verb that hands its options and arguments to _arguments (zshcompsys(1)). */
import {
  type ArgumentNode,
  type CommandNode,
  firstClause,
  listNodes,
  type OptionNode,
  type ValueKind,
} from './command-tree.ts';

/** A script that lies in a folder of fpath as `_bundlefs`, or is sourced. */
export function zshScript(root: CommandNode): string {
  const name = root.words[0] ?? '';
  return `#compdef ${name}
# zsh completion for ${name}, made by: ${name} completion zsh

${listNodes(root)
  .map((node) => functionOf(node))
  .join('\n')}
# Offers the names that the program itself knows; what else it is given is for compadd.
__${name}_ask() {
  local what=$1
  local -a names
  shift
  names=(\${(f)"$("\${__${name}_program:-${name}}" complete $what 2>/dev/null)"})
  compadd "$@" -a names
}
__${name}_images() {
  __${name}_ask images "$@"
}
__${name}_mounts() {
  __${name}_ask mounts "$@"
}
__${name}_source() {
  _alternative 'places:place:(docker docker\\: oci\\: recipe\\: -)' 'archives:archive:_files'
}
__${name}_image_or_folder() {
  _alternative 'images:image:__${name}_images' 'folders:folder:_files -/'
}
__${name}_mount() {
  _alternative 'mounts:mount:__${name}_mounts' 'folders:folder:_files -/'
}
if [[ \${funcstack[1]} == _${name} ]]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
}

function functionOf(node: CommandNode): string {
  const options = node.options.flatMap((option) => optionSpecs(node, option));
  return node.commands.length === 0 ? leafFunction(node, options) : branchFunction(node, options);
}

function leafFunction(node: CommandNode, options: readonly string[]): string {
  const specs = [...options, ...node.arguments.map((argument) => argumentSpec(node, argument))];
  return `${functionName(node)}() {
  _arguments -s -S : \\
    ${specs.join(' \\\n    ')}
}`;
}

function branchFunction(node: CommandNode, options: readonly string[]): string {
  const verbs = node.commands.map((sub) =>
    quote(`${(sub.words.at(-1) ?? '').replaceAll(':', '\\:')}:${firstClause(sub.description)}`),
  );
  const cases = node.commands.map((sub) => `        ${sub.words.at(-1) ?? ''}) ${functionName(sub)} ;;`);
  const program =
    node.words.length === 1 ? `\n  typeset -g __${node.words[0] ?? ''}_program=\${(e)~words[1]}` : '';
  return `${functionName(node)}() {
  local curcontext=$curcontext state line
  typeset -A opt_args${program}
  _arguments -C -s -S : \\
    ${[...options, "'1: :->verb'", "'*:: :->rest'"].join(' \\\n    ')}
  case $state in
    verb)
      local -a verbs=(
        ${verbs.join('\n        ')}
      )
      _describe -t commands verb verbs
      ;;
    rest)
      case $line[1] in
${cases.join('\n')}
      esac
      ;;
  esac
}`;
}

function functionName({ words }: CommandNode): string {
  return `_${words.map((word) => word.replaceAll('-', '_')).join('_')}`;
}

/** `'(-o --output)'{-o+,--output=}'[the file to write]:file:_files'`. */
function optionSpecs(
  node: CommandNode,
  { short, long, description, value, isRepeatable }: OptionNode,
): string[] {
  const spellings = [
    ...(short === undefined ? [] : [value === undefined ? short : `${short}+`]),
    ...(long === undefined ? [] : [value === undefined ? long : `${long}=`]),
  ];
  const others = [short, long].filter((spelling) => spelling !== undefined).join(' ');
  const action = value === undefined ? '' : `:${escape(value.name)}:${actionFor(node, value.type)}`;
  const help = `[${escape(firstClause(description))}]${action}`;
  return spellings.map((spelling) =>
    quote(isRepeatable ? `*${spelling}${help}` : `(${others})${spelling}${help}`),
  );
}

function argumentSpec(node: CommandNode, { name, isVariadic, type }: ArgumentNode): string {
  return quote(`${isVariadic ? '*' : ':'}:${escape(name)}:${actionFor(node, type)}`);
}

function actionFor({ words }: CommandNode, type: ValueKind): string {
  const program = words[0] ?? '';
  switch (type.kind) {
    case 'choice':
      return `(${type.choices.join(' ')})`;
    case 'file':
      return '_files';
    case 'folder':
      return '_files -/';
    case 'image':
      return `__${program}_images`;
    case 'image-or-folder':
      return `__${program}_image_or_folder`;
    case 'mount':
      return `__${program}_mount`;
    case 'source':
      return `__${program}_source`;
    case 'text':
      return ' ';
  }
}

/** Within brackets and between colons of a specification. */
function escape(text: string): string {
  return text.replace(/[\\[\]:]/g, '\\$&');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
