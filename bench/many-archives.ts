/** Archives with many of one thing: two revisions, of which the second has all of it changed. */
import { createCipheriv, createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { packTar, type TarMember } from '../sample/pack-tar.mjs';

/** What there is much of. */
export type ManyKind = 'files' | 'images' | 'layers' | 'tags' | 'blocks';

interface ManyImage {
  readonly tags: readonly string[];
  readonly layers: readonly Buffer[];
}

const layersPerImage = 100;
/** Each with a block of its own, and one for the header before it. */
const blockFileSize = 33_000;

/** Writes to `path` a docker archive with `count` of `kind`; revision 2 has none of them unchanged. */
export async function writeManyArchive(
  path: string,
  kind: ManyKind,
  count: number,
  revision: 1 | 2,
): Promise<void> {
  await pipeline(
    packTar(archiveMembers(makeImages(kind, count, revision))),
    createWriteStream(path, { highWaterMark: 1024 * 1024 }),
  );
}

/** The name of an image that every such archive has. */
export const oneImage = 'many/app:1';

async function* makeImages(
  kind: ManyKind,
  count: number,
  revision: number,
): AsyncGenerator<ManyImage, void, undefined> {
  const base = await packFiles([['base', Buffer.from('the same in all images')]]);
  const small = (word: string): Promise<Buffer> =>
    packFiles([[`srv/${word}`, Buffer.from(`${revision} ${word}`)]]);
  switch (kind) {
    case 'files':
      yield {
        tags: [oneImage],
        layers: [base, await packFiles([...smallFiles(count, revision), same(count)])],
      };
      return;
    case 'blocks': {
      yield {
        tags: [oneImage],
        layers: [base, await packFiles([...noiseFiles(count / 2, revision), same(count)])],
      };
      return;
    }
    case 'tags':
      yield {
        tags: [oneImage, ...Array.from({ length: count }, (_, index) => `many/app:t${revision}-${index}`)],
        layers: [base, await packFiles([['srv/app', Buffer.from(String(revision))], same(0)])],
      };
      return;
    case 'images':
      for (let index = 1; index <= count; index += 1) {
        const first =
          index === 1 ? [await packFiles([['first', Buffer.from(String(revision))], same(0)])] : [];
        yield { tags: [`many/app:${index}`], layers: [base, ...first, await small(`app${index}`)] };
      }
      return;
    case 'layers':
      for (let index = 1; index <= count / layersPerImage; index += 1) {
        const first =
          index === 1 ? [await packFiles([['first', Buffer.from(String(revision))], same(0)])] : [];
        const words = Array.from({ length: layersPerImage - 2 }, (_, depth) => `app${index}-${depth}`);
        yield {
          tags: [`many/app:${index}`],
          layers: [base, ...first, ...(await Promise.all(words.map(small)))],
        };
      }
  }
}

/** A file that both revisions have in a layer that changed: what a thin image saves. Zeros, which cost little. */
function same(count: number): [string, Buffer] {
  return ['srv/same', Buffer.alloc(1_000_000 + 1000 * count)];
}

function* smallFiles(count: number, revision: number): Generator<[string, Buffer]> {
  for (let index = 0; index < count; index += 1) {
    yield [`app/node_modules/p${Math.floor(index / 100)}/f${index}.js`, Buffer.from(`${revision} ${index}`)];
  }
}

function* noiseFiles(count: number, revision: number): Generator<[string, Buffer]> {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, revision), Buffer.alloc(16));
  const zeros = Buffer.alloc(blockFileSize);
  for (let index = 0; index < count; index += 1) yield [`srv/${index}.bin`, cipher.update(zeros)];
}

async function packFiles(files: Iterable<readonly [string, Buffer]>): Promise<Buffer> {
  const members = (function* (): Generator<TarMember> {
    for (const [name, content] of files) yield { name, content };
  })();
  const chunks: Buffer[] = [];
  for await (const chunk of packTar(members)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* archiveMembers(images: AsyncIterable<ManyImage>): AsyncGenerator<TarMember> {
  const manifest: object[] = [];
  const written = new Set<string>();
  for await (const { tags, layers } of images) {
    const names: string[] = [];
    const diffIds: string[] = [];
    for (const layer of layers) {
      const hex = createHash('sha256').update(layer).digest('hex');
      const name = `${hex}/layer.tar`;
      if (!written.has(name)) yield { name, content: layer };
      written.add(name);
      names.push(name);
      diffIds.push(`sha256:${hex}`);
    }
    const config = Buffer.from(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        config: {},
        rootfs: { type: 'layers', diff_ids: diffIds },
      }),
    );
    const configName = `${createHash('sha256').update(config).digest('hex')}.json`;
    yield { name: configName, content: config };
    manifest.push({ Config: configName, RepoTags: tags, Layers: names });
  }
  yield { name: 'manifest.json', content: Buffer.from(JSON.stringify(manifest)) };
}
