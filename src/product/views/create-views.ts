/** The views of a bundle: the same blocks, as other files than `images.tar.xz`. */
import { appendAll } from '../../ground/long-lists.ts';
import type { Cache } from '../../cache/cache.ts';
import { recipeDigest } from '../../plan/layout/recipe.ts';
import type { Bundle } from '../../bundle/open-bundle.ts';
import type { DiffId } from '../../ground/digest.ts';
import type { DecodedBlocks } from '../../file/decoded-blocks.ts';
import type { DecodedFile } from '../../file/decoded-file.ts';
import { sliceFile } from '../../file/slice-file.ts';
import { locateMembers } from '../../plan/plan-segments.ts';
import { planBundle } from '../../plan/plan-bundle.ts';
import { openZst } from '../../bundle/zst/open-zst.ts';
import { listImageFiles } from './images-view.ts';
import { listLayerFiles, listOciFiles } from './oci-view.ts';
import type { PlacedBlob, ViewBundle, ViewFile } from './view-file.ts';
import type { ViewName } from './view-name.ts';

export interface CreateViewsOptions {
  /** Keeps what is decoded for all files of all views that are given it. */
  readonly decoded: DecodedBlocks;
  /** When the bundle was finished: the modification time of what is not named by its digest. */
  readonly createdMs: number;
  /** What has the frames of `images.tar.zst`, which must all be there, and of which level they are. */
  readonly frames: { readonly cache: Cache; readonly level: number };
}

/**
 * The files of the views `names` of `bundle`, which must stay open for as long as they are read. Nothing is read; the
 * few blocks that `images` needs besides the bundle's are encoded here, so that no read has to. Throws encode-failed, and
 * block-missing where frames are.
 */
export async function createViews(
  bundle: Bundle,
  names: readonly ViewName[],
  { decoded, createdMs, frames }: CreateViewsOptions,
): Promise<ViewFile[]> {
  if (names.length === 0) return [];
  const tar = bundle.openTar(decoded);
  const viewed: ViewBundle = { bundle, createdMs, blobs: placeBlobs(bundle, tar) };
  const files: ViewFile[] = [];
  for (const name of new Set(names)) appendAll(files, await listFiles(name, viewed, tar, frames));
  return files;
}

async function listFiles(
  name: ViewName,
  viewed: ViewBundle,
  tar: DecodedFile,
  frames: CreateViewsOptions['frames'],
): Promise<readonly ViewFile[]> {
  switch (name) {
    case 'images.tar':
      return [
        {
          path: 'images.tar',
          mtimeMs: viewed.createdMs,
          identity: recipeDigest(viewed.bundle.recipe),
          content: { kind: 'decoded', file: tar },
        },
      ];
    case 'images.tar.zst':
      return [await openZstFile(viewed, frames)];
    case 'oci':
      return listOciFiles(viewed);
    case 'layers':
      return listLayerFiles(viewed);
    case 'images':
      return listImageFiles(viewed);
  }
}

async function openZstFile(
  { bundle, createdMs }: ViewBundle,
  { cache, level }: CreateViewsOptions['frames'],
): Promise<ViewFile> {
  const { file, profile } = await openZst(bundle, cache, level);
  return {
    path: 'images.tar.zst',
    mtimeMs: createdMs,
    identity: `${recipeDigest(bundle.recipe)} ${profile}`,
    content: { kind: 'extents', file },
  };
}

/** The blobs of the bundle tar: layers as runs of `tar`, all else as bytes. */
function placeBlobs({ images, assembled }: Bundle, tar: DecodedFile): PlacedBlob[] {
  const sizes = new Map<DiffId, number>(assembled.layers.map(({ diffId, size }) => [diffId, size]));
  const members = planBundle(images, (diffId) => sizes.get(diffId) ?? 0);
  return locateMembers(members).flatMap(({ member, start }): PlacedBlob[] => {
    if (member.kind === 'layer') {
      const { diffId } = member;
      return [{ kind: 'layer', digest: diffId, file: sliceFile(tar, start, start + member.size) }];
    }
    const hex = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(member.name)?.[1];
    return hex === undefined ? [] : [{ kind: 'document', hex, bytes: member.bytes }];
  });
}
