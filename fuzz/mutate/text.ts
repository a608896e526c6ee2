/** Changes lines of text such as YAML: words, indents, lines. */
import type { Random } from '../../sample/pseudo-content.mjs';
import { byteMutations, type Change, mutate, type Mutation } from './bytes.ts';

/** Changes of a YAML document, with words that mean something in one. */
export function textMutations(words: readonly string[]): readonly Mutation<Buffer>[] {
  const odd = [
    ...[
      '~',
      'null',
      'true',
      '0x10',
      '1e3',
      '1_000',
      '.inf',
      '[]',
      '{}',
      '""',
      "'",
      '- - -',
      '? x',
      '|',
      '>-',
      '&a',
      '*a',
      '!!str',
      '!!binary x',
      '<<: *a',
      '%YAML 1.1',
      '---',
      '...',
    ],
    ...[
      '${X',
      '${X:-${Y:-z}}',
      '$$',
      '${X?no}',
      '${:}',
      '\t',
      '\0',
      '\u0085',
      '\ufeff',
      '#',
      ': ',
      '"\\x',
      '@sha256:12',
      '../../..',
      'x'.repeat(3000),
    ],
    ...words,
  ];
  return [
    (random, text) => changeLines(random, text),
    (random, text) => changeLines(random, text),
    (random, text) => replaceWord(random, text, odd),
    (random, text) => replaceWord(random, text, odd),
    (random, text) => replaceWord(random, text, odd),
    (random, text) => ({
      result: Buffer.concat([text, Buffer.from(`x: ${'['.repeat(random.pick([10, 5000]))}\n`)]),
      note: 'brackets behind',
    }),
    // Aliases of aliases: a billion laughs.
    (_, text) => ({
      result: Buffer.concat([
        Buffer.from(
          `x-a: &a [1,1,1,1,1,1,1,1,1]\n${'bcdefghi'
            .split('')
            .map((name, at) => `x-${name}: &${name} [${`*${'abcdefgh'.charAt(at)},`.repeat(9)}]`)
            .join('\n')}\n`,
        ),
        text,
      ]),
      note: 'aliases of aliases in front',
    }),
    (random, text) => mutate(random, text, byteMutations),
  ];
}

function changeLines(random: Random, bytes: Buffer): Change {
  const lines = bytes.toString('latin1').split('\n');
  const at = random.below(lines.length);
  const line = lines[at] ?? '';
  const [note, changed] = random.pick<readonly [string, readonly string[]]>([
    ['left out', []],
    ['twice', [line, line]],
    ['indented', [`  ${line}`]],
    ['outdented', [line.replace(/^ {2}/, '')]],
    ['without its value', [line.replace(/:.*/, ':')]],
    ['a list item', [line.replace(/^( *)/, '$1- ')]],
    ['behind another', [lines[random.below(lines.length)] ?? '', line]],
    ['with a tab', [`\t${line}`]],
    ['with CRLF', [`${line}\r`]],
  ]);
  const result = [...lines.slice(0, at), ...changed, ...lines.slice(at + 1)].join('\n');
  return { result: Buffer.from(result, 'latin1'), note: `line ${at} ${note}` };
}

function replaceWord(random: Random, bytes: Buffer, words: readonly string[]): Change {
  const text = bytes.toString('latin1');
  const found = [...text.matchAll(/[^\s:[\]{},"]+/g)];
  const match = found[random.below(found.length)];
  const word = words[random.below(words.length)] ?? '';
  if (match === undefined) return { result: Buffer.from(word), note: 'a word alone' };
  const result =
    text.slice(0, match.index) +
    Buffer.from(word).toString('latin1') +
    text.slice(match.index + match[0].length);
  return {
    result: Buffer.from(result, 'latin1'),
    note: `${JSON.stringify(match[0])} is ${JSON.stringify(word.slice(0, 40))}`,
  };
}
