/** Walks over layers: every kind of metadata, in every form that writers give it. */
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { epoch, makeLayer } from '../../sample/make-image.mjs';
import { StreamByteReader } from '../../src/tar/byte-reader.ts';
import type { LayerMember } from '../../src/tar/layer-member.ts';
import { parsePaxRecords } from '../../src/tar/pax-records.ts';
import { sealHeader } from '../../src/tar/tar-header.ts';
import { walkLayer } from '../../src/tar/walk-layer.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { buildOddImages } from '../fixtures/sample-images.ts';
import { chunked } from './tar-fixture.ts';

async function list(layer: Uint8Array): Promise<LayerMember[]> {
  const found: LayerMember[] = [];
  const reader = new StreamByteReader(chunked(layer, [777]), 'a layer');
  for await (const { member } of walkLayer(reader)) found.push(member);
  return found;
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
  const reader = new StreamByteReader(chunked(layer, [1000]), 'a layer');
  const places: number[] = [];
  const paths: string[] = [];
  const walk = walkLayer(reader, ({ headerPosition }) => places.push(headerPosition));
  for await (const { member } of walk) paths.push(member.path);
  expect({ paths, places }).toEqual({ paths: ['a', 'b'], places: [512] });
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
