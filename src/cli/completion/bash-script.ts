/** Completion for bash: tables of the verbs, and one function that reads them (bash(1), "Programmable Completion"). */
import { type CommandNode, listNodes, type OptionNode, type ValueKind } from './command-tree.ts';

/** A script to be sourced by bash. Needs no package such as bash-completion. */
export function bashScript(root: CommandNode): string {
  const nodes = listNodes(root);
  const name = root.words[0] ?? '';
  return `# bash completion for ${name}, made by: ${name} completion bash

# The tables: a path is the verbs so far, each with a blank before it.
_${name}_verbs() {
${caseOf(nodes.flatMap((node) => entry(pathOf(node), node.commands.map(lastWord))))}
}
_${name}_options() {
${caseOf(nodes.flatMap((node) => entry(pathOf(node), node.options.flatMap(spellings))))}
}
# What the value of an option is; nothing for one that takes none.
_${name}_value() {
${caseOf(nodes.flatMap((node) => node.options.flatMap((option) => valueEntry(node, option))))}
}
# What the argument is that comes after so many.
_${name}_argument() {
${caseOf(nodes.flatMap((node) => argumentEntries(node)))}
}
${functions.replaceAll('PROGRAM', name)}`;
}

/**
 * bash takes words apart at colons and equals signs (COMP_WORDBREAKS), which stand in the names of images: here they
 * are put together again, and from what is offered the part is cut off that bash takes for an earlier word.
 */
const functions = `_PROGRAM() {
  local line=\${COMP_LINE:0:COMP_POINT} words=() index cur path='' before='' kind='' count=0 offers=()
  for ((index = 0; index <= COMP_CWORD; index++)); do
    local word=\${COMP_WORDS[index]} blanks=\${line%%[![:space:]]*}
    line=\${line#"$blanks"}
    ((index == COMP_CWORD)) && word=$line
    if [[ $index == 0 || -n $blanks ]]; then words+=("$word"); else words[-1]+=$word; fi
    line=\${line#"$word"}
  done
  [[ \${COMP_LINE:0:COMP_POINT} == *[[:space:]] && -n \${words[-1]} ]] && words+=('')
  cur=\${words[-1]}
  for word in "\${words[@]:1:\${#words[@]}-2}"; do
    if [[ -n $before ]]; then
      before=''
    elif [[ $word == -- ]]; then
      kind=rest
    elif [[ $word == -* && $kind != rest ]]; then
      [[ -n $(_PROGRAM_value "$path $word") ]] && before=$word
    elif ((count == 0)) && [[ " $(_PROGRAM_verbs "$path") " == *" $word "* ]]; then
      path+=" $word"
    else
      ((count++))
    fi
  done
  if [[ -n $before ]]; then
    kind=$(_PROGRAM_value "$path $before")
  elif [[ $cur == --*=* && $kind != rest ]]; then
    kind=$(_PROGRAM_value "$path \${cur%%=*}")
    cur=\${cur#*=}
  elif [[ $cur == -* && $kind != rest ]]; then
    kind="choice $(_PROGRAM_options "$path")"
  elif ((count == 0)) && [[ -n $(_PROGRAM_verbs "$path") ]]; then
    kind="choice $(_PROGRAM_verbs "$path")"
  else
    kind=$(_PROGRAM_argument "$path $count")
    [[ -n $kind ]] || kind=$(_PROGRAM_argument "$path *")
  fi
  case $kind in
    choice\\ *) mapfile -t offers < <(compgen -W "\${kind#choice }" -- "$cur") ;;
    image) _PROGRAM_ask images ;;
    mount) _PROGRAM_ask mounts && _PROGRAM_paths -d ;;
    image-or-folder) _PROGRAM_ask images && _PROGRAM_paths -d ;;
    source) mapfile -t offers < <(compgen -W 'docker docker: oci: recipe: -' -- "$cur") && _PROGRAM_paths -f ;;
    file) _PROGRAM_paths -f ;;
    folder) _PROGRAM_paths -d ;;
  esac
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then offers=("\${offers[@]#"\${cur%"\${cur##*:}"}"}"); fi
  COMPREPLY=("\${offers[@]}")
}
# Offers the names that the program itself knows.
_PROGRAM_ask() {
  local name
  while IFS= read -r name; do
    [[ $name == "$cur"* ]] && offers+=("$name")
  done < <("\${words[0]/#\\~\\//$HOME/}" complete "$1" 2>/dev/null)
  return 0
}
_PROGRAM_paths() {
  local paths
  mapfile -t paths < <(compgen "$1" -- "$cur")
  ((\${#paths[@]} == 0)) && return
  offers+=("\${paths[@]}")
  compopt -o filenames 2>/dev/null
  return 0
}
complete -F _PROGRAM PROGRAM
`;

/** ` cache gc`; empty for the program itself. */
function pathOf({ words }: CommandNode): string {
  return words
    .slice(1)
    .map((word) => ` ${word}`)
    .join('');
}

function lastWord({ words }: CommandNode): string {
  return words.at(-1) ?? '';
}

function spellings({ short, long }: OptionNode): string[] {
  return [short, long].filter((spelling) => spelling !== undefined);
}

function valueEntry(node: CommandNode, option: OptionNode): string[] {
  if (option.value === undefined) return [];
  const words = spellings(option).map((spelling) => quote(`${pathOf(node)} ${spelling}`));
  return [`    ${words.join(' | ')}) echo ${quote(describe(option.value.type))} ;;`];
}

function argumentEntries(node: CommandNode): string[] {
  return node.arguments.flatMap(({ isVariadic, type }, index) =>
    entry(`${pathOf(node)} ${isVariadic ? '*' : index}`, [describe(type)]),
  );
}

function entry(pattern: string, words: readonly string[]): string[] {
  return words.length === 0 ? [] : [`    ${quote(pattern)}) echo ${quote(words.join(' '))} ;;`];
}

function describe(type: ValueKind): string {
  return type.kind === 'choice' ? `choice ${type.choices.join(' ')}` : type.kind;
}

function caseOf(entries: readonly string[]): string {
  return `  case $1 in\n${entries.join('\n')}\n  esac`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
