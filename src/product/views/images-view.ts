/** `images/`: each image as a bundle of its own. */
import type { BlockKey } from '../../plan/layout/block-record.ts';
import { assembleBundle, type AssembledLayer } from '../../plan/layout/assemble.ts';
import { contentKey } from '../../plan/layout/content-key.ts';
import { type EncodedPiece, encodePiece } from '../../bundle/encode-piece.ts';
import type { Bundle } from '../../bundle/open-bundle.ts';
import { type DiffId, type Digest, digestOf, hexOf } from '../../ground/digest.ts';
import type { Image } from '../../image/image.ts';
import { familiarName } from '../../image/reference.ts';
import type { Layout } from '../../plan/layout/extent.ts';
import { pieceOf } from '../../plan/cut/piece-cutter.ts';
import type { ViewBundle, ViewFile } from './view-file.ts';

type Glue = Map<BlockKey, Promise<EncodedPiece>>;

/**
 * A bundle for each image: the bytes that `bundlefs build` writes of that image alone. Its layers' blocks are those of
 * the whole bundle. The glue between them is encoded here: it is some kilobytes, lies in memory, and needs no lease.
 */
export async function listImageFiles({ bundle, createdMs }: ViewBundle): Promise<ViewFile[]> {
  const glue: Glue = new Map();
  const layers = new Map(bundle.assembled.layers.map((layer) => [layer.diffId, layer]));
  const names = nameImages(bundle.images);
  return Promise.all(
    bundle.images.map(async (image, index) => {
      const layout = await layOutImage(bundle, image, layers, glue);
      return {
        path: `images/${names[index] ?? ''}.tar.xz`,
        mtimeMs: createdMs,
        identity: imageIdentity(bundle, image),
        content: { kind: 'extents', file: bundle.openLayout(layout) } as const,
      };
    }),
  );
}

/** The layout of the bundle of `image` alone. */
async function layOutImage(
  { assembled: { check }, recipe }: Bundle,
  image: Image,
  layers: ReadonlyMap<DiffId, AssembledLayer>,
  glue: Glue,
): Promise<Layout> {
  const inMemory = new Map<BlockKey, Uint8Array>();
  const { layout } = await assembleBundle([image], check, {
    findLayer: (diffId) => layers.get(diffId),
    glueBlock: async (content) => {
      const { record, bytes } = await getGlue(glue, content, recipe.profile);
      inMemory.set(record.key, bytes);
      return record;
    },
  });
  return {
    size: layout.size,
    extents: layout.extents.map((extent) => {
      const bytes = extent.kind === 'block' ? inMemory.get(extent.record.key) : undefined;
      if (bytes === undefined) return extent;
      return { kind: 'memory', start: extent.start, length: extent.length, bytes };
    }),
  };
}

function getGlue(
  glue: Glue,
  content: Uint8Array,
  profile: Bundle['recipe']['profile'],
): Promise<EncodedPiece> {
  const key = contentKey(pieceOf(content));
  const made = glue.get(key) ?? encodePiece(content, profile, { key });
  glue.set(key, made);
  return made;
}

/** What decides the bytes: the image, its tags, and the profile. */
function imageIdentity({ recipe }: Bundle, { configDigest, tags }: Image): Digest {
  const { tarLayout, profile } = recipe;
  return digestOf(Buffer.from(JSON.stringify({ tarLayout, profile, configDigest, tags })));
}

/**
 * A file name for each image: its first name, as docker shows it, with `_` for what file systems and shells take amiss;
 * the start of its id where it has none, and behind it where another image has the same, also but for upper case.
 */
export function nameImages(images: readonly Image[]): string[] {
  const plain = images.map(({ tags: [tag], configDigest }) =>
    tag === undefined ? shortId(configDigest) : familiarName(tag).replace(/[^A-Za-z0-9.-]+/g, '_'),
  );
  const counts = new Map<string, number>();
  for (const name of plain) counts.set(name.toLowerCase(), (counts.get(name.toLowerCase()) ?? 0) + 1);
  return plain.map((name, index) => {
    const isAlone = counts.get(name.toLowerCase()) === 1;
    const image = images[index];
    return isAlone || image === undefined ? name : `${name}_${shortId(image.configDigest)}`;
  });
}

function shortId(digest: Digest): string {
  return hexOf(digest).slice(0, 12);
}
