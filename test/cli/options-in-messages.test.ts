/** What messages, hints and scripts tell people to type: each verb and option in them exists. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { type CommandNode, listNodes, readCommandTree } from '../../src/cli/completion/command-tree.ts';
import { createProgram } from '../../src/cli/main.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));

/** Texts of a program's source: what `${…}` is in a template reads as `…`. */
function listTexts(source: string): string[] {
  const texts: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) texts.push(node.text);
    else if (ts.isTemplateExpression(node)) {
      texts.push([node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('…'));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('one.ts', source, ts.ScriptTarget.Latest, true));
  return texts;
}

async function listFiles(folder: string, ending: string): Promise<string[]> {
  const names = await readdir(join(project, folder), { recursive: true });
  return names.filter((name) => name.endsWith(ending)).map((name) => join(project, folder, name));
}

const nodes = listNodes(readCommandTree(createProgram(new AbortController().signal)));
const optionsOf = ({ options }: CommandNode): string[] =>
  options.flatMap(({ short, long }) => [short, long]).filter((one) => one !== undefined);
const everyOption = new Set(nodes.flatMap(optionsOf));
const programOptions = nodes.slice(0, 1).flatMap(optionsOf);
const verbs = new Map(
  nodes.map((node) => [node.words.slice(1).join(' '), new Set([...optionsOf(node), ...programOptions])]),
);

/** Options of other programs, and a word that is in each text that speaks of them. */
const foreignOptions: Readonly<Record<string, RegExp>> = {
  '--override-os': /^--override-os=…$/, // a word of skopeo's command line
  '--override-arch': /^--override-arch=…$/,
  '--override-variant': /^--override-variant=…$/,
  '--block-size': /^--block-size=\d+$/, // of xz
  '--sparse': /\(-S, --sparse\)/, // of tar
  '--user': /container|journalctl/,
  '--device': /container/,
  '--cap-add': /container/,
  '--security-opt': /container/,
};

/** What stands behind the program's name where a sentence goes on. */
const prose = new Set(
  'itself again follows bundles project reads made serves refuses has needs command process'.split(' '),
);

const optionPattern = /(?<![\w-])--[a-z][a-z-]*[a-z]/g;
/** `bundlefs VERB` and what is typed behind it, up to the end of the command or of the sentence. */
const commandPattern = /\bbundlefs((?: [a-z]+)+)([^;&|]*?)(?=[.:,](?: |$)|[;&|]|$)/gm;

/** What of `text` tells people to type what there is not. */
function findFaults(text: string): string[] {
  const unknown = (text.match(optionPattern) ?? []).filter(
    (option) => !everyOption.has(option) && foreignOptions[option]?.test(text) !== true,
  );
  const inCommands = [...text.matchAll(commandPattern)].flatMap(([, typed = '', rest = '']) => {
    const [first = '', second = ''] = typed.trim().split(' ');
    const options = verbs.get(`${first} ${second}`) ?? verbs.get(first);
    if (options === undefined) return prose.has(first) ? [] : [`bundlefs ${first}`];
    const used = rest.match(/(?<=^|\s)--?[a-z][a-z-]*/g) ?? [];
    return used.filter((option) => !options.has(option)).map((option) => `bundlefs ${first} ${option}`);
  });
  return [...unknown, ...inCommands];
}

it.each([
  ['Use --preset 3, or bundlefs cache gc --keep-last 1, and go on', []],
  ['Use --threads 1', ['--threads']],
  ['Run bundlefs clean', ['bundlefs clean']],
  ['Run bundlefs verify --repair: it helps', ['bundlefs verify --repair']],
  ['Pipe it: bundlefs stream --tar IMAGE | ctr -n k8s.io images import -', []],
  ['In a container: --device /dev/fuse', []],
  ['Look at --device', ['--device']],
])('finds in %j %j', (text, faults) => {
  expect(findFaults(text)).toEqual(faults);
});

it('every option and verb that the program tells people to type exists', async () => {
  const files = (await listFiles('src', '.ts')).filter((file) => !file.includes('/stick/page/')); // its style has --names
  const texts = (await Promise.all(files.map((file) => readFile(file, 'utf8')))).flatMap(listTexts);
  const speaking = texts.filter((text) => /--[a-z]|bundlefs [a-z]/.test(text));
  expect(speaking.length).toBeGreaterThan(200);
  expect(speaking.flatMap((text) => findFaults(text).map((fault) => `${fault} in: ${text}`))).toEqual([]);
});

it.each([
  ['load.sh', ['load.sh', 'verify.sh']],
  ['verify.sh', ['verify.sh']],
  ['apply.sh', ['delta.sh', 'apply.sh']],
  ['load-delta.sh', ['delta.sh', 'load-delta.sh']],
])('every option that %s tells people to type is one that it takes', async (_, names) => {
  const texts = await Promise.all(names.map((name) => readFile(join(project, 'stick', name), 'utf8')));
  const lines = texts.join('\n').split('\n');
  const taken = new Set(
    lines.flatMap((line) => /^\s*(--?[a-z][a-z |-]*)\)/.exec(line)?.[1]?.split(' | ') ?? []),
  );
  const said = lines
    .filter((line) =>
      /^\s*(?:fail|say|warn|problem|item|'|"|\[.*(?:fail|say|warn) )|\|\| fail | hint=/.test(line),
    )
    .flatMap((line) => line.match(optionPattern) ?? []);
  expect(said.length).toBeGreaterThan(1);
  expect(said.filter((option) => !taken.has(option) && !everyOption.has(option))).toEqual([]);
});
