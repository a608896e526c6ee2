/** Configs, manifests and indexes that hash to their names, whatever is in them. */
import { sha256 } from '../../sample/make-image.mjs';
import { buildBaseImages, makeArchive, once } from '../base-images.ts';
import type { FixtureImage } from '../../test/fixtures/sample-images.ts';
import { type Kind } from '../fuzz-case.ts';
import { mutateJson } from '../mutate/json.ts';
import { buildBothWays } from './archive.ts';

const images = once(() => buildBaseImages());

export const configKind: Kind = {
  name: 'config',
  about: 'image configs, manifest.json, OCI manifests and indexes of any JSON, under names that fit',
  async run(fuzz) {
    const { random, changes } = fuzz;
    const changed: FixtureImage[] = [];
    const target = random.below(2);
    for (const [index, image] of (await images()).slice(0, 2).entries()) {
      if (index !== target || random.below(3) === 0) {
        changed.push(image);
        continue;
      }
      const { result, note } = mutateJson(random, image.config);
      changes.push(`config: ${note}`);
      changed.push({ ...image, config: result });
    }
    const form = random.pick(['legacy', 'hybrid', 'oci'] as const);
    changes.push(form);
    const tar = await makeArchive(changed, form);
    await buildBothWays(
      fuzz,
      random.below(3) === 0 || changes.length === 1 ? changeDocument(fuzz, tar) : tar,
    );
  },
};

/** Changes a document of the archive, and all names and digests by which others know it. */
function changeDocument({ random, changes }: Parameters<Kind['run']>[0], tar: Buffer): Buffer {
  const documents = listDocuments(tar);
  const chosen = documents[random.below(documents.length)];
  if (chosen === undefined) return tar;
  const { result, note } = mutateJson(random, chosen.content);
  changes.push(`${chosen.name}: ${note}`);
  return pack(
    rename(
      documents.map((document) => (document === chosen ? { ...document, content: result } : document)),
      listOthers(tar),
    ),
  );
}

interface Member {
  readonly name: string;
  readonly content: Buffer;
}

function listMembers(tar: Buffer): Member[] {
  const members: Member[] = [];
  for (let position = 0; position + 512 <= tar.length && tar[position] !== 0;) {
    const size = parseInt(tar.toString('latin1', position + 124, position + 136), 8);
    const name = tar.toString('latin1', position, position + 100).replace(/\0.*$/s, '');
    const type = tar.toString('latin1', position + 156, position + 157);
    if (type === '0') members.push({ name, content: tar.subarray(position + 512, position + 512 + size) });
    position += 512 + Math.ceil(size / 512) * 512;
  }
  return members;
}

function isDocument({ content }: Member): boolean {
  return content[0] === 0x7b || content[0] === 0x5b;
}

function listDocuments(tar: Buffer): Member[] {
  return listMembers(tar).filter(isDocument);
}

function listOthers(tar: Buffer): Member[] {
  return listMembers(tar).filter((member) => !isDocument(member));
}

/** Gives blobs the names of their digests, and changes these names, and the sizes beside them, in all other documents, until nothing changes any more. */
function rename(documents: readonly Member[], others: readonly Member[]): Member[] {
  let current = [...documents];
  for (let round = 0; round < 6; round += 1) {
    const renames = current.flatMap(({ name, content }) => {
      const old = /[0-9a-f]{64}/.exec(name)?.[0];
      const hex = sha256(content);
      return old === undefined || old === hex ? [] : [{ old, hex, size: content.length }];
    });
    if (renames.length === 0) break;
    current = current.map(({ name, content }) => {
      let text = content.toString('latin1');
      let changed = name;
      for (const { old, hex, size } of renames) {
        text = text.replace(new RegExp(`(${old}","size":)\\d+`, 'g'), `$1${size}`).replaceAll(old, hex);
        changed = changed.replace(old, hex);
      }
      return { name: changed, content: Buffer.from(text, 'latin1') };
    });
  }
  return [...others, ...current];
}

function pack(members: readonly Member[]): Buffer {
  const parts = members.flatMap(({ name, content }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0, 100, 'latin1');
    header.write(
      `0000644\u00000000000\u00000000000\u0000${content.length.toString(8).padStart(11, '0')}\0${'0'.repeat(11)}\0        0`,
      100,
      'latin1',
    );
    header.write('ustar\u000000', 257, 'latin1');
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}
