/** Layers on trees: the rules of the OCI layer specification, and what engines make of its corners. */
import { describe, expect, it } from 'vitest';
import { makeLayer } from '../../../sample/make-image.mjs';
import type { TarMember } from '../../../sample/pack-tar.mjs';
import { StreamByteReader } from '../../../src/format/tar/byte-reader.ts';
import type { LayerMember } from '../../../src/format/tar/layer-member.ts';
import { walkLayer } from '../../../src/format/tar/walk-layer.ts';
import { applyLayer } from '../../../src/format/tree/apply-layer.ts';
import { createTree, findNode, walkTree } from '../../../src/format/tree/tree.ts';
import { chunked } from '../tar/tar-fixture.ts';

/** The tree of these layers: paths with the number of the layer that their entry is of; `-` without an entry. */
async function merge(...layers: readonly (readonly TarMember[])[]): Promise<string[]> {
  const tree = createTree<number>();
  for (const [index, members] of layers.entries()) applyLayer(tree, await list(members), index);
  return [...walkTree(tree)].map(([path, { entry }]) => `${path} ${entry?.layer ?? '-'}`);
}

async function list(members: readonly TarMember[]): Promise<LayerMember[]> {
  const found: LayerMember[] = [];
  const reader = new StreamByteReader(chunked(await makeLayer(members), [1000]), 'a layer');
  for await (const { member } of walkLayer(reader)) found.push(member);
  return found;
}

const folder = (name: string): TarMember => ({ name: `${name}/`, type: 'directory' });
const link = (name: string, linkName: string): TarMember => ({ name, type: 'symlink', linkName });
const hardlink = (name: string, linkName: string): TarMember => ({ name, type: 'link', linkName });
const file = (name: string): TarMember => ({ name, content: Buffer.from(name) });

describe('applyLayer', () => {
  it.each<[string, TarMember[][], string[]]>([
    ['a whiteout hides a file', [[file('a'), file('b')], [file('.wh.a')]], ['b 0']],
    [
      'a whiteout hides a folder with all below',
      [[folder('d'), file('d/a'), file('e')], [file('.wh.d')]],
      ['e 0'],
    ],
    ['a whiteout hides nothing of its own layer, before', [[file('a')], [file('.wh.a'), file('a')]], ['a 1']],
    ['a whiteout hides nothing of its own layer, after', [[file('a')], [file('a'), file('.wh.a')]], ['a 1']],
    [
      'a whiteout of a folder that is there again keeps the new content only',
      [
        [folder('d'), file('d/old')],
        [file('.wh.d'), file('d/new')],
      ],
      ['d -', 'd/new 1'],
    ],
    [
      'a whiteout of nothing hides nothing, and makes its folder',
      [
        [file('a'), link('l', 'x')],
        [file('d/.wh.x'), file('.wh.y'), file('l/.wh..wh..opq')],
      ],
      ['a 0', 'd -', 'l -'],
    ],

    [
      'an opaque folder keeps what its own layer has, on either side of the mark',
      [
        [folder('d'), file('d/old')],
        [folder('d'), file('d/a'), file('d/.wh..wh..opq'), file('d/b')],
      ],
      ['d 1', 'd/a 1', 'd/b 1'],
    ],
    [
      'a name that only contains .wh. is a file',
      [[file('a.wh.b'), file('x/.whale')]],
      ['a.wh.b 0', 'x -', 'x/.whale 0'],
    ],
    ['what AUFS left is no file', [[file('.wh..wh.plnk'), file('a')]], ['a 0']],
    ['a folder replaces a file', [[file('a')], [folder('a'), file('a/b')]], ['a 1', 'a/b 1']],
    ['a file replaces a folder and all below', [[folder('a'), file('a/b')], [file('a')]], ['a 1']],
    [
      'a symlink replaces a folder, and a member below a symlink replaces that',
      [[folder('a'), file('a/b')], [{ name: 'a', type: 'symlink', linkName: '/x' }], [file('a/c')]],
      ['a -', 'a/c 2'],
    ],
    [
      'a member below a symlink of its own layer goes where that points',
      [
        [
          folder('usr'),
          folder('usr/lib'),
          link('lib', 'usr/lib'),
          file('lib/a'),
          folder('lib/d'),
          file('lib/d/../b'),
        ],
        [file('lib/c')],
      ],
      ['lib -', 'lib/c 1', 'usr 0', 'usr/lib 0', 'usr/lib/a 0', 'usr/lib/b 0', 'usr/lib/d 0'],
    ],
    ['a folder on a folder keeps its content', [[folder('a'), file('a/b')], [folder('a')]], ['a 1', 'a/b 0']],
    ['a folder without an entry keeps that of below', [[folder('a')], [file('a/b')]], ['a 0', 'a/b 1']],
    [
      'a hardlink is the file of the lower layer',
      [[file('a')], [{ name: 'b', type: 'link', linkName: 'a' }]],
      ['a 0', 'b 0'],
    ],
    ['a hardlink to nothing is left out', [[{ name: 'b', type: 'link', linkName: 'a' }]], []],
    [
      'a hardlink finds its file through symlinks, and a symlink itself',
      [
        [
          folder('d'),
          file('d/a'),
          folder('e'),
          link('e/up', '../d/.'),
          link('abs', '/e/up'),
          link('loop', 'loop'),
        ],
        [
          hardlink('b', 'abs/a'),
          hardlink('c', 'e/up'),
          hardlink('out', 'e/up/../../../d/a'),
          hardlink('round', 'loop/a'),
        ],
      ],
      ['abs 0', 'b 0', 'c 0', 'd 0', 'd/a 0', 'e 0', 'e/up 0', 'loop 0', 'out 0'],
    ],
    ['names go up to the root and not beyond', [[file('x/../../a'), file('..'), file('b/..')]], ['a 0']],
    ['names with dots and slashes are one', [[file('./a//b')], [file('/a/b')]], ['a -', 'a/b 1']],
  ])('%s', async (_, layers, expected) => {
    expect(await merge(...layers)).toEqual(expected);
  });

  it('a hardlink does not follow a name that is replaced above', async () => {
    const tree = createTree<number>();
    applyLayer(tree, await list([file('a'), { name: 'b', type: 'link', linkName: './a' }]), 0);
    expect(findNode(tree, 'b')?.entry).toBe(findNode(tree, 'a')?.entry);
    applyLayer(tree, await list([file('a')]), 1);
    expect(findNode(tree, 'a')?.entry?.content?.layer).toBe(1);
    expect(findNode(tree, 'b')?.entry?.content?.layer).toBe(0);
  });
});

it('applyLayer tells what it leaves out', async () => {
  const tree = createTree<number>();
  const left: string[] = [];
  const members = await list([
    folder('d'),
    hardlink('a', 'd'),
    hardlink('b', 'nothing'),
    hardlink('c', 'a'),
    file('..'),
    file('.wh..wh..opq'),
    link('l', 'd'),
    file('l/.wh.x'),
  ]);
  applyLayer(tree, members, 0, ({ path }) => left.push(path));
  expect(left).toEqual(['.wh..wh..opq', 'l/.wh.x', 'a', 'b', 'c', '']);
});
