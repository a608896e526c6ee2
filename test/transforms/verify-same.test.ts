/** The check before a made image is handed out sees whatever it could have got wrong. */
import { describe, expect, it } from 'vitest';
import { type DiffId, digestOf } from '../../src/ground/digest.ts';
import { createLayerLibrary } from '../../src/inspect/contents/layer-library.ts';
import { verifySame } from '../../src/transforms/verify-same.ts';
import { type PackedMember, packMembers } from '../fixtures/pack-members.ts';

/** Its header's mode is that of the file, for it is the last one. */
const folderLink = { name: 'folder/link', type: 'link', linkname: 'folder/file', mode: 0o755 } as const;

const original: readonly PackedMember[] = [
  { name: 'folder/', type: 'directory', mode: 0o700, uid: 7 },
  { name: 'folder/file', content: 'one', mode: 0o755 },
  folderLink,
  { name: 'sign', type: 'symlink', linkname: 'folder' },
  { name: 'null', type: 'character-device', devmajor: 1, devminor: 3 },
  { name: 'noted', content: 'x', pax: { 'SCHILY.xattr.user.note': 'a' } },
];

/** The original with this member in the place of that of its name. */
function replace(member: PackedMember): readonly PackedMember[] {
  return original.map((one) => (one.name === member.name ? member : one));
}

async function verify(made: readonly PackedMember[], ignoreMtime = false): Promise<void> {
  const layers = await Promise.all([original, made].map((members) => packMembers(members)));
  const byId = new Map(layers.map((bytes) => [digestOf(bytes) as DiffId, bytes]));
  const library = createLayerLibrary((diffId) => {
    const bytes = byId.get(diffId);
    if (bytes === undefined) return Promise.resolve(undefined);
    const read = (target: Uint8Array, position: number): Promise<number> =>
      Promise.resolve(bytes.copy(target, 0, position, Math.min(bytes.length, position + target.length)));
    return Promise.resolve({ kind: 'random', file: { size: bytes.length, read } });
  });
  const [before, after] = layers.map((bytes) => [digestOf(bytes) as DiffId]);
  await verifySame({ library }, before ?? [], after ?? [], { what: '"it"', ignoreMtime });
}

describe('verifySame', () => {
  it('takes what shows the same, in another order and under other first names', async () => {
    await verify(original);
    const [folder, , , ...rest] = original;
    if (folder === undefined) throw new TypeError('There is a folder');
    const link = { name: 'folder/link', content: 'one', mode: 0o755 };
    await verify([
      ...rest,
      folder,
      link,
      { name: 'folder/file', type: 'link', linkname: 'folder/link', mode: 0o755 },
    ]);
  });

  it.each<[string, readonly PackedMember[], string]>([
    ['a file that is missing', original.slice(0, -1), 'noted'],
    ['one that is too many', [...original, { name: 'more', content: '' }], 'more'],
    ['other bytes of one size', replace({ name: 'folder/file', content: 'two', mode: 0o755 }), 'folder/file'],
    ['another mode', replace({ ...folderLink, mode: 0o700 }), 'folder/file'],
    ['a folder of another owner', replace({ name: 'folder/', type: 'directory', mode: 0o700 }), 'folder'],
    ['a link that is a file', replace({ name: 'folder/link', content: 'one', mode: 0o755 }), 'folder/link'],
    ['another target', replace({ name: 'sign', type: 'symlink', linkname: 'other' }), 'sign'],
    ['another device', replace({ name: 'null', type: 'character-device', devmajor: 1, devminor: 5 }), 'null'],
    ['a lost attribute', replace({ name: 'noted', content: 'x' }), 'noted'],
    [
      'another time',
      replace({ name: 'noted', content: 'x', pax: { 'SCHILY.xattr.user.note': 'a', mtime: '5' } }),
      'noted',
    ],
  ])('refuses %s with bundle-corrupt, naming it', async (_, made, path) => {
    await expect(verify(made)).rejects.toMatchObject({
      code: 'bundle-corrupt',
      message: expect.stringContaining(`"${path}" would not be the same`) as string,
    });
  });

  it('takes other times only where they are not to count', async () => {
    const pax = { 'SCHILY.xattr.user.note': 'a', mtime: '5' };
    await verify(replace({ name: 'noted', content: 'x', pax }), true);
    await expect(verify(replace({ name: 'noted', content: 'y', pax }), true)).rejects.toThrow();
  });
});
