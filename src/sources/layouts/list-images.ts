/** Finds out which layout a table of members has, and lists its images. */
import { BundleError } from '../../errors.ts';
import type { PlatformWish } from '../../image/platform.ts';
import { dockerManifestName, listDockerImages } from './list-docker-images.ts';
import { listOciImages, ociIndexName } from './list-oci-images.ts';
import type { ListedImage } from './listed-image.ts';
import { findDocument, type MemberTable } from './member-table.ts';

/** The images of `table`, at least one, without artifacts that are none. Throws as listContent does. */
export async function listImages(table: MemberTable, wish: PlatformWish): Promise<ListedImage[]> {
  const listed = await listContent(table, wish);
  const images = listed.filter(({ noImage }) => noImage === undefined);
  if (images.length > 0) return images;
  const [first] = listed;
  throw new BundleError('archive-empty', `Cannot read ${table.label}: there is no image in it`, {
    hint:
      first === undefined
        ? 'Name the images to save: docker save IMAGE... > images.tar'
        : `It has ${first.names[0] ?? 'something without a name'}, which is no image: ${first.noImage ?? ''}.`,
  });
}

/**
 * The images of `table` and the artifacts that are none, at least one of all. manifest.json is preferred where index.json
 * stands beside it, for docker 25 to 28 leave untagged images out of the latter. Throws archive-empty, archive-corrupt,
 * archive-unsupported.
 */
export async function listContent(table: MemberTable, wish: PlatformWish): Promise<ListedImage[]> {
  const listed = await listByLayout(table, wish);
  if (listed.length > 0) return listed;
  throw new BundleError('archive-empty', `Cannot read ${table.label}: there is no image in it`, {
    hint: 'Name the images to save: docker save IMAGE... > images.tar',
  });
}

async function listByLayout(table: MemberTable, wish: PlatformWish): Promise<ListedImage[]> {
  const manifest = await findDocument(table, dockerManifestName);
  if (manifest !== undefined) return listDockerImages(table, manifest, wish);
  const index = await findDocument(table, ociIndexName);
  if (index !== undefined) return listOciImages(table, index, wish);
  if (table.isEmpty) return [];
  throw new BundleError(
    'archive-unsupported',
    `Cannot read ${table.label}: it has neither manifest.json nor index.json, so there are no images in it`,
    { hint: 'docker save writes archives of images; docker export and tar write files only.' },
  );
}
