/** Headers under other names and as links, as GNU tar reads them; all that they say besides stays. */
import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LayerMember } from '../../../src/format/tar/layer-member.ts';
import { type HeaderChange, rewriteHeader } from '../../../src/format/tar/rewrite-header.ts';
import { encodeMetaHeader } from '../../../src/format/tar/tar-header.ts';
import { walkLayer } from '../../../src/format/tar/walk-layer.ts';
import type { EntryMetadata } from '../../../src/format/tree/entry-metadata.ts';
import { packMembers, packWithTar } from '../../fixtures/pack-members.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { streamReader } from './tar-fixture.ts';

async function listMembers(tar: Buffer): Promise<LayerMember[]> {
  const members: LayerMember[] = [];
  for await (const { member } of walkLayer(streamReader(tar))) members.push(member);
  return members;
}

async function firstMember(tar: Buffer): Promise<LayerMember> {
  const [member] = await listMembers(tar);
  if (member === undefined) throw new RangeError('There is no member');
  return member;
}

/** The tar whose first member's headers are changed. */
async function rewrite(tar: Buffer, change: HeaderChange): Promise<Buffer> {
  const { headerPosition, contentPosition, size } = await firstMember(tar);
  const header = rewriteHeader(tar.subarray(headerPosition, contentPosition), change);
  const content = change.link === undefined ? tar.subarray(contentPosition, contentPosition + size) : [];
  const padding = Buffer.alloc(change.link === undefined ? (512 - (size % 512)) % 512 : 0);
  return Buffer.concat([header, Uint8Array.from(content), padding, Buffer.alloc(1024)]);
}

const longName = `${'ż'.repeat(90)}/${'x'.repeat(120)}`;
const metadata = { 'SCHILY.xattr.user.a': 'b', mtime: '1717243200.123456789', uid: '3000000' };

describe('rewriteHeader', () => {
  it.each<[string, string, string]>([
    ['short to short', 'a', 'b/c'],
    ['short to long', 'a', longName],
    ['long to short', longName, 'a'],
    ['long to long', longName, `${longName}-other`],
    ['ustar prefix to short', `${'p'.repeat(80)}/${'q'.repeat(80)}`, 'b'],
  ])('gives another name, and keeps all else: %s', async (_, name, path) => {
    const tar = await packMembers([{ name, content: 'content', mode: 0o4755, gid: 7, pax: metadata }]);
    const before = await firstMember(tar);
    const after = await firstMember(await rewrite(tar, { path }));
    const { headerPosition, contentPosition } = after;
    expect(after).toEqual({ ...before, path, headerPosition, contentPosition });
    expect((await rewrite(tar, { path })).includes('mtime=1717243200.123456789\n')).toBe(true);
  });

  it('makes a link, without content and with all metadata', async () => {
    const tar = await packMembers([{ name: longName, content: 'content', mode: 0o755, pax: metadata }]);
    const before = await firstMember(tar);
    const linked = await rewrite(tar, { link: `${longName}-first` });
    const [after, ...others] = await listMembers(linked);
    expect(others).toEqual([]);
    expect(after).toMatchObject({ kind: 'hardlink', path: longName, target: `${longName}-first`, size: 0 });
    expect(after).toMatchObject({ mode: 0o755, uid: 3_000_000, xattrs: before.xattrs, mtime: before.mtime });
  });

  it.each<[string, EntryMetadata]>([
    ['what fits', { mode: 0o4711, uid: 5, gid: 0o7777777, mtime: 1, xattrs: new Map() }],
    [
      'a fraction',
      { mode: 0, uid: 0, gid: 0, mtime: 1.500000001, exactMtime: '1.500000001', xattrs: new Map() },
    ],
    [
      'what does not',
      { mode: 0, uid: 2 ** 21, gid: 2 ** 31, mtime: 8 ** 11, xattrs: new Map([['user.b', '\xff']]) },
    ],
    [
      'times before 1970',
      {
        mode: 0,
        uid: 0,
        gid: 0,
        mtime: -1,
        xattrs: new Map([
          ['a', ''],
          ['b', '=\n'],
        ]),
      },
    ],
  ])('gives other metadata, and keeps all else: %s', async (_, changed) => {
    for (const more of [{}, metadata]) {
      const tar = await packMembers([{ name: longName, content: 'content', mode: 0o755, pax: more }]);
      const before = await firstMember(tar);
      const after = await firstMember(await rewrite(tar, { metadata: changed }));
      const { mode, uid, gid, mtime, exactMtime, xattrs } = after;
      expect({ mode, uid, gid, mtime, xattrs, ...(exactMtime !== undefined && { exactMtime }) }).toEqual(
        changed,
      );
      expect(after).toMatchObject({ kind: before.kind, path: before.path, size: before.size });
    }
  });

  it('makes a file of a GNU long name, and a link of another target', async () => {
    const script = `printf x >${'n'.repeat(150)}; ln ${'n'.repeat(150)} ${'o'.repeat(150)}`;
    const tar = packWithTar(script, '*', ['--format=gnu']);
    expect(await firstMember(await rewrite(tar, { path: 'short' }))).toMatchObject({
      path: 'short',
      size: 1,
    });
    expect(await firstMember(await rewrite(tar, { link: 'short' }))).toMatchObject({
      path: 'n'.repeat(150),
      target: 'short',
    });
  });

  it.each(['gnu', 'posix'])(
    'keeps the map of a sparse file that GNU tar wrote with --format=%s',
    async (format) => {
      // More pieces than the header of an old GNU tar holds.
      const script =
        'truncate -s 2M f; for at in 1 99 200 300 400; do printf $at | dd of=f bs=4096 seek=$at conv=notrunc status=none; done';
      const folder = await makeTempFolder();
      const tar = packWithTar(`${script}; cp f ${join(folder, 'wanted')}`, 'f', ['-S', `--format=${format}`]);
      writeFileSync(join(folder, 'new.tar'), await rewrite(tar, { path: longName }));
      execFileSync('tar', ['-C', folder, '-xf', join(folder, 'new.tar')]);
      execFileSync('cmp', [join(folder, 'wanted'), join(folder, longName)]);
      expect((await firstMember(tar)).sparseMap).toBeDefined();
    },
  );

  it('keeps sizes beyond 8 GiB, as GNU tar lists them', async () => {
    const folder = await makeTempFolder();
    const size = 9 * 1024 ** 3;
    const path = join(folder, 'large.tar');
    // A stand-in: GNU tar skips content by seeking, and here it is one hole.
    for (const format of ['gnu', 'posix']) {
      const header = packWithTar('truncate -s 9G f', 'f | head -c 2048', [`--format=${format}`]);
      const contentPosition = format === 'gnu' ? 512 : header.indexOf('ustar', 1024 + 257) - 257 + 512;
      const renamed = rewriteHeader(header.subarray(0, contentPosition), { path: longName });
      writeFileSync(path, renamed);
      truncateSync(path, renamed.length + size + 1024);
      const listed = execFileSync('tar', ['--quoting-style=literal', '-tvf', path]).toString();
      expect(listed).toContain(` ${size} `);
      expect(listed).toContain(longName);
    }
  });
});

describe('encodeMetaHeader', () => {
  it.each(['a/.wh.b', longName, 'a name with spaces'])(
    'names an empty file and a folder: %s',
    async (path) => {
      const tar = Buffer.concat([
        encodeMetaHeader('file', Buffer.from(path)),
        encodeMetaHeader('directory', Buffer.from(`${path}-folder/`)),
        Buffer.alloc(1024),
      ]);
      expect(await listMembers(tar)).toMatchObject([
        { kind: 'file', path, mode: 0o644, size: 0, mtime: 0 },
        { kind: 'directory', path: `${path}-folder`, mode: 0o755 },
      ]);
    },
  );
});
