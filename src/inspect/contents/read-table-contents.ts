/** Reads images and layers from a table of members: of an archive, or of an OCI layout in a folder. */
import { type DiffId, digestOf } from '../../ground/digest.ts';
import { groupBy } from '../../ground/group-by.ts';
import { parseImageConfig } from '../../image/image-config.ts';
import { decompress } from '../../place/archive/decompress.ts';
import { listImages } from '../../place/archive/layouts/list-images.ts';
import type { MemberTable, StoredMember } from '../../place/archive/layouts/member-table.ts';
import { readConfig } from '../../place/archive/layouts/read-config.ts';
import { wishPlatform } from '../../place/platform-wish.ts';
import type { BundleContents, ContentImage, ContentLayer } from './bundle-contents.ts';
import type { FindLayer } from '../../file/layer-bytes.ts';

export interface ReadTableContentsOptions {
  readonly label: string;
  readonly signal?: AbortSignal;
}

/**
 * The images of `table` and where their layers lie. A layer that the table has as it is has a size and a start; one that
 * it has compressed can be read as a stream. Throws config-*, archive-*.
 */
export async function readTableContents(
  table: MemberTable,
  { label, signal }: ReadTableContentsOptions,
): Promise<{ readonly contents: BundleContents; readonly findLayer: FindLayer }> {
  const entries: ContentImage[] = [];
  const layers = new Map<DiffId, ContentLayer>();
  const members = new Map<DiffId, StoredMember>();
  for (const listed of await listImages(table, wishPlatform())) {
    const { config, layers: blobs } = await listed.locate();
    const bytes = await readConfig(table, config, listed.names[0] ?? 'an untagged image');
    const id = digestOf(bytes);
    const { diffIds, history } = parseImageConfig(bytes, `the config ${id}`);
    entries.push({ names: listed.names, id, layers: diffIds, history });
    for (const [index, diffId] of diffIds.entries()) {
      if (layers.has(diffId)) continue;
      const blob = blobs[index];
      const member = await table.findMember(blob?.name ?? diffId);
      // A blob named by another digest than the diffId's is compressed; its size says nothing of the layer's.
      const isPlain = blob?.digest === undefined || blob.digest === diffId;
      const isStored = member?.kind === 'stored';
      layers.set(diffId, {
        diffId,
        size: isPlain && member !== undefined ? member.size : undefined,
        start: isPlain && isStored && member.start !== undefined ? member.start : undefined,
      });
      if (isStored) members.set(diffId, member);
    }
  }
  // Entries of one config are one image with the names of all.
  const images = [...groupBy(entries, ({ id }) => id).values()].map((same): ContentImage => {
    if (same.length === 1) return same[0];
    return { ...same[0], names: [...new Set(same.flatMap(({ names }) => names))].sort() };
  });
  return {
    contents: { label, images, layers },
    findLayer: (diffId) => {
      const member = members.get(diffId);
      if (member === undefined) return Promise.resolve(undefined);
      const open = (): AsyncIterable<Uint8Array> =>
        decompress(member.stream(), `layer ${diffId}`, signal ? { signal } : {});
      return Promise.resolve({ kind: 'stream', open });
    },
  };
}
