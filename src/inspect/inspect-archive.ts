/** What an archive holds: images, layers and blocks, found without reading more of it than that takes. */
import { type DiffId, type Digest, digestOf } from '../ground/digest.ts';
import { describeImage } from '../image/image.ts';
import { type HistoryEntry, type ImagePlatform, parseImageConfig } from '../image/image-config.ts';
import { familiarName } from '../image/reference.ts';
import { listImages } from '../place/archive/layouts/list-images.ts';
import type { ListedImage } from '../place/archive/layouts/listed-image.ts';
import type { MemberTable } from '../place/archive/layouts/member-table.ts';
import { readConfig } from '../place/archive/layouts/read-config.ts';
import { wishPlatform } from '../place/platform-wish.ts';
import type { XzStructure } from '../format/xz/xz-structure.ts';
import { openArchive, type ReadArchiveOptions } from '../place/archive/open-archive.ts';

export interface ArchiveReport {
  readonly path: string;
  readonly size: number;
  readonly compression: string;
  readonly images: readonly ImageReport[];
  /** Distinct layers of all images. */
  readonly layerCount: number;
  /** Of a .xz file. */
  readonly xz?: XzReport;
}

export interface ImageReport {
  /** Short names, as docker shows them. */
  readonly names: readonly string[];
  /** What a layout calls an image by that has no name: a tag alone. */
  readonly refName?: string;
  /** The config digest. */
  readonly id: Digest;
  readonly created?: string;
  readonly platform: ImagePlatform;
  readonly history: readonly HistoryEntry[];
  /** From the lowest up; `size` is that of the member, absent where the archive does not have it. */
  readonly layers: readonly { readonly diffId: DiffId; readonly size?: number }[];
}

export interface XzReport {
  readonly streamCount: number;
  readonly blockCount: number;
  readonly checks: readonly string[];
  readonly uncompressedSize: number;
  /** Uncompressed bytes of the largest block: what each thread of a decoder holds in memory. */
  readonly largestBlockSize: number;
}

/** Looks into the archive at `path`, ours or a foreign one. Throws archive-*, config-* and xz-*. */
export async function inspectArchive(path: string, options: ReadArchiveOptions = {}): Promise<ArchiveReport> {
  await using archive = await openArchive(path);
  const table = await archive.browse(options);
  const images: ImageReport[] = [];
  for (const listed of await listImages(table, wishPlatform()))
    images.push(await inspectImage(table, listed));
  return {
    path,
    size: archive.size,
    compression: archive.compression,
    images,
    layerCount: new Set(images.flatMap((image) => image.layers.map((layer) => layer.diffId))).size,
    xz: archive.structure && inspectXz(archive.structure),
  };
}

async function inspectImage(table: MemberTable, listed: ListedImage): Promise<ImageReport> {
  const located = await listed.locate();
  const label = listed.names[0] ?? 'an untagged image';
  const config = await readConfig(table, located.config, label);
  const id = digestOf(config);
  const { created, platform, history, diffIds } = parseImageConfig(
    config,
    `the config of ${describeImage({ tags: listed.names, configDigest: id })}`,
  );
  const layers = diffIds.map(async (diffId, index) => {
    const member = await table.findMember(located.layers[index]?.name ?? diffId);
    return { diffId, size: member?.size };
  });
  return {
    names: [...listed.names.map((name) => familiarName(name)), ...(listed.unreadableNames ?? [])],
    refName: listed.refName,
    id,
    created,
    platform,
    history,
    layers: await Promise.all(layers),
  };
}

function inspectXz({ streams, uncompressedSize }: XzStructure): XzReport {
  const blocks = streams.flatMap((stream) => stream.blocks);
  return {
    streamCount: streams.length,
    blockCount: blocks.length,
    checks: [...new Set(streams.map((stream) => stream.check))],
    uncompressedSize,
    largestBlockSize: blocks.reduce((largest, block) => Math.max(largest, block.uncompressedSize), 0),
  };
}
