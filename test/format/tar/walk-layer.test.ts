/** Walks over layers: every kind of metadata, in every form that writers give it. */
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { epoch, makeLayer } from '../../../sample/make-image.mjs';
import { FileByteReader, StreamByteReader } from '../../../src/format/tar/byte-reader.ts';
import type { LayerMember } from '../../../src/format/tar/layer-member.ts';
import { parsePaxRecords } from '../../../src/format/tar/pax-records.ts';
import { sealHeader } from '../../../src/format/tar/tar-header.ts';
import { walkLayer } from '../../../src/format/tar/walk-layer.ts';
import {
  rawEnd,
  rawFile,
  rawFolder,
  rawHeader,
  rawLink,
  rawLong,
  rawMember,
  rawPax,
} from '../../fixtures/raw-members.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { buildOddImages } from '../../fixtures/sample-images.ts';
import { chunked } from './tar-fixture.ts';

async function list(layer: Uint8Array): Promise<LayerMember[]> {
  const found: LayerMember[] = [];
  const reader = new StreamByteReader(chunked(layer, [777]), 'a layer');
  for await (const { member } of walkLayer(reader)) found.push(member);
  return found;
}

const tarOf = (...members: readonly Buffer[]): Buffer => Buffer.concat([...members, rawEnd]);

/** The paths of the members, and type and place of those that engines refuse. */
async function listRefused(layer: Uint8Array): Promise<{ paths: string[]; refused: unknown[] }> {
  const refused: unknown[] = [];
  const paths: string[] = [];
  const reader = new StreamByteReader(chunked(layer, [1000]), 'a layer');
  const walk = walkLayer(reader, ({ type, headerPosition }) => refused.push([type, headerPosition]));
  for await (const { member } of walk) paths.push(member.path);
  return { paths, refused };
}

it('walkLayer gives modes, owners, links, xattrs byte by byte, and long names', async () => {
  const [odd] = await buildOddImages();
  const members = await list(odd?.layers[0] ?? Buffer.alloc(0));
  const find = (path: string): LayerMember | undefined => members.find((member) => member.path === path);
  expect(find('odd/set-uid')).toMatchObject({ kind: 'file', mode: 0o4755, uid: 0, mtime: epoch });
  expect(find('odd/two')).toMatchObject({ kind: 'hardlink', target: 'odd/one', size: 0 });
  expect(find('odd/link')).toMatchObject({ kind: 'symlink', target: '../etc/version' });
  expect(find('odd/capable')?.xattrs.get('security.capability')).toBe(
    `\x01\x00\x00\x02\x00\x04\x00\x00${'\x00'.repeat(12)}`,
  );
  expect(members.some(({ path, uid }) => path.endsWith('日本語.txt') && uid === 1000)).toBe(true);
});

it.each(['gnu', 'posix', 'ustar'])('walkLayer reads what GNU tar writes as %s', async (format) => {
  const folder = await makeTempFolder();
  const long = `${'a'.repeat(60)}/${'b'.repeat(70)}`;
  await mkdir(join(folder, 'd', 'a'.repeat(60)), { recursive: true });
  await writeFile(join(folder, 'd', long), 'content');
  const options = ['--owner=0', '--group=0', '--mtime=2024-06-01 12:00:00.5 UTC', `--format=${format}`];
  const layer = execFileSync('tar', ['-C', join(folder, 'd'), ...options, '-cf', '-', '.']);
  const member = (await list(layer)).find(({ kind }) => kind === 'file');
  expect(member).toMatchObject({ path: long, size: 7, mtime: format === 'posix' ? epoch + 0.5 : epoch });
  const start = member?.contentPosition ?? 0;
  expect(layer.toString('latin1', start, start + 7)).toBe('content');
});

it('walkLayer takes a layer without an end, and one of nothing', async () => {
  const layer = await makeLayer([{ name: 'a', content: Buffer.from('x') }]);
  expect((await list(layer.subarray(0, 1024))).map(({ path }) => path)).toEqual(['a']);
  expect(await list(Buffer.alloc(0))).toEqual([]);
});

it('walkLayer keeps names below the root, as engines do', async () => {
  const layer = await makeLayer([{ name: '../etc/passwd' }, { name: 'x/../../a' }, { name: './b//c/' }]);
  expect((await list(layer)).map(({ path }) => path)).toEqual(['etc/passwd', 'a', 'b/c']);
});

it('walkLayer leaves out kinds that nobody knows, and says where', async () => {
  const layer = await makeLayer([{ name: 'a' }, { name: 'odd' }, { name: 'b' }]);
  layer.write('Z', 512 + 156, 'latin1');
  sealHeader(layer.subarray(512, 1024));
  expect(await listRefused(layer)).toEqual({ paths: ['a', 'b'], refused: [['Z', 512]] });
});

it('walkLayer gives members that tar knows and engines refuse, and says so', async () => {
  const map = [386, '00000000000\x0000000000001\0'] as const;
  const layer = tarOf(
    rawFile('a', 'x', { type: '7' }),
    rawFile('b', 'x', { type: 'S', at: [map] }),
    rawFile('c', 'x'),
  );
  expect(await listRefused(layer)).toEqual({
    paths: ['a', 'b', 'c'],
    refused: [
      ['7', 0],
      ['S', 1024],
    ],
  });
});

it.each<[string, Buffer]>([
  ['no name', rawFile('', 'lost')],
  ['a point for a name', rawFile('.', 'lost')],
  ['the name of the root', rawLink('./', 'a')],
])('walkLayer passes over members with %s, as engines do', async (_, nameless) => {
  const layer = tarOf(rawFile('a', 'x'), nameless, rawFile('b', 'y'));
  expect(await listRefused(layer)).toEqual({ paths: ['a', 'b'], refused: [] });
});

it('walkLayer takes the root as a folder only', async () => {
  const layer = tarOf(rawFolder('.', { mode: 0o700 }), rawFile('/', 'x'));
  expect(await list(layer)).toMatchObject([
    { kind: 'directory', path: '', mode: 0o700 },
    { kind: 'file', path: '' },
  ]);
});

const said = { name: 'own', mode: 0o600, uid: 7, gid: 8, mtime: 99, link: 'target' } as const;
const own = { path: 'own', mode: 0o600, uid: 7, gid: 8, mtime: 99, size: 4 };
it.each<[string, [string, string][], object]>([
  ['path', [['path', '']], own],
  ['size', [['size', '']], own],
  ['numbers and times', ['uid', 'gid', 'mtime', 'atime', 'ctime'].map((key) => [key, '']), own],
  [
    'path after another one',
    [
      ['path', 'x'],
      ['path', ''],
    ],
    own,
  ],
  [
    'path before another one',
    [
      ['path', ''],
      ['path', 'x'],
    ],
    { ...own, path: 'x' },
  ],
  ['name of a sparse file', [['GNU.sparse.name', '']], own],
  [
    'nothing',
    [
      ['uid', '3000000'],
      ['mtime', '-1.500'],
      ['size', '004'],
    ],
    { ...own, uid: 3_000_000, mtime: -1.5, exactMtime: '-1.5' },
  ],
  ['xattr', [['SCHILY.xattr.user.a', '']], { ...own, xattrs: new Map([['user.a', '']]) }],
])('walkLayer goes by the header where PAX records have no value: %s', async (_, records, expected) => {
  const layer = tarOf(rawPax(records), rawMember(said, 'text'), rawFile('next', 'x'));
  const members = await list(layer);
  expect(members).toMatchObject([expected, { path: 'next' }]);
  const global = tarOf(rawPax(records, { type: 'g' }), rawMember(said, 'text'));
  expect(await list(global)).toMatchObject([own]);
});

it.each<[string, [string, string][]]>([
  ['sizes', [['size', '0x4']]],
  ['negative sizes', [['size', '-4']]],
  ['owners', [['uid', '1e3']]],
  ['times', [['mtime', 'now']]],
  ['names', [['path', 'a\0b']]],
  ['keys', [['', 'a']]],
])('walkLayer throws archive-corrupt for PAX records with %s that are none', async (_, records) => {
  await expect(list(tarOf(rawPax(records), rawFile('a', 'text')))).rejects.toMatchObject({
    code: 'archive-corrupt',
  });
});

it('walkLayer passes over keys that objects have of themselves', async () => {
  const keys = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  const layer = tarOf(rawPax(keys.map((key) => [key, 'x'])), rawFile('a', 'text'));
  expect(await list(layer)).toMatchObject([{ path: 'a' }]);
});

it.each(['mode', 'uid', 'gid', 'size', 'mtime', 'devmajor'] as const)(
  'walkLayer reads a %s without a digit as 0, and throws archive-corrupt for one that is no number',
  async (field) => {
    const tar = (text: string): Buffer =>
      tarOf(rawHeader({ name: 'a', mode: 0, mtime: 0, fields: { [field]: text } }), rawFile('b', 'x'));
    for (const empty of ['', ' '.repeat(12), ' \0']) {
      const [found, next] = await list(tar(empty));
      expect(found).toMatchObject({ mode: 0, uid: 0, gid: 0, size: 0, mtime: 0 });
      expect(next?.path).toBe('b');
    }
    await expect(list(tar('none'))).rejects.toMatchObject({ code: 'archive-corrupt' });
  },
);

it('walkLayer takes two long names as the last one, an empty one as none, and PAX names of sparse files before them', async () => {
  const layer = tarOf(
    ...[rawLong('one'), rawLong('two'), rawFile('a')],
    ...[rawLong(''), rawFile('b')],
    ...[rawLong('long'), rawPax([['GNU.sparse.name', 'sparse']]), rawFile('c')],
    ...[rawPax([['path', 'pax']]), rawLong('long'), rawFile('d')],
  );
  expect((await list(layer)).map(({ path }) => path)).toEqual(['two', 'b', 'sparse', 'long']);
});

it('walkLayer keeps all of a sparse map of repeated records', async () => {
  const pairs = (...numbers: string[]): Buffer =>
    rawPax(
      numbers.map((number, index) => [index % 2 === 0 ? 'GNU.sparse.offset' : 'GNU.sparse.numbytes', number]),
    );
  const maps = await Promise.all(
    [pairs('0', '1', '9', '1'), pairs('5', '1', '9', '1')].map(async (map) => {
      const [member] = await list(tarOf(map, rawFile('a', 'xx')));
      return member?.sparseMap;
    }),
  );
  expect(maps).toEqual(['GNU.sparse.map=0,1,9,1', 'GNU.sparse.map=5,1,9,1']);
});

it.each([508, 100])(
  'walkLayer takes a layer whose last member lacks %i bytes of its padding',
  async (missing) => {
    const bytes = rawFile('a', 'text').subarray(0, -missing);
    expect(await list(bytes)).toHaveLength(1);
    const read = (target: Uint8Array, at: number): Promise<number> =>
      Promise.resolve(bytes.copy(target, 0, at));
    const found: string[] = [];
    const reader = new FileByteReader({ size: bytes.length, read }, 'a layer');
    for await (const { member } of walkLayer(reader)) found.push(member.path);
    expect(found).toEqual(['a']);
  },
);

it('walkLayer ends at two blocks of zeros, or one and nothing, and takes no other block behind the first', async () => {
  const [member, zeros] = [rawFile('a', 'x'), Buffer.alloc(512)];
  for (const end of [[], [zeros], [zeros, zeros], [zeros, zeros, rawFile('b')]]) {
    expect(await list(Buffer.concat([member, ...end]))).toHaveLength(1);
  }
  await expect(list(Buffer.concat([member, zeros, rawFile('b')]))).rejects.toMatchObject({
    code: 'archive-corrupt',
  });
});

it('walkLayer throws archive-corrupt for what is no header, archive-truncated in the middle of content', async () => {
  await expect(list(Buffer.alloc(512, 1))).rejects.toMatchObject({ code: 'archive-corrupt' });
  const layer = await makeLayer([{ name: 'a', content: Buffer.alloc(5000, 1) }]);
  await expect(list(layer.subarray(0, 2048))).rejects.toMatchObject({ code: 'archive-truncated' });
});

it('parsePaxRecords keeps binary values, the last of a key, and refuses lengths that lie', () => {
  const binary = Buffer.concat([Buffer.from('8 k=\xff', 'latin1'), Buffer.from('\n=\n')]);
  expect(parsePaxRecords(binary)?.get('k')).toEqual(Buffer.from([0xff, 0x0a, 0x3d]));
  expect(String(parsePaxRecords(Buffer.from('6 a=1\n6 a=2\n'))?.get('a'))).toBe('2');
  expect(parsePaxRecords(Buffer.from('99 a=1\n'))).toBeUndefined();
  expect(parsePaxRecords(Buffer.from('x'))).toBeUndefined();
});
