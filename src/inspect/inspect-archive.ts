/** What an archive holds: images, layers and blocks, found without reading more of it than that takes. */
import { BundleError } from '../errors.ts';
import { describeNamedImage, findNamedImages, type ListedImage } from './list-images.ts';
import { openArchive } from './open-archive.ts';
import { scanMembers } from './scan-members.ts';

export interface ArchiveReport {
  readonly path: string;
  readonly size: number;
  readonly compression: string;
  readonly images: readonly ListedImage[];
  /** Distinct layers of all images. */
  readonly layerCount: number;
  readonly xz?: XzReport;
}

export interface XzReport {
  readonly streamCount: number;
  readonly blockCount: number;
  readonly checks: readonly string[];
  readonly uncompressedSize: number;
  /** Uncompressed bytes of the largest block: what one thread of a decoder holds in memory. */
  readonly largestBlockSize: number;
}

/** Looks into the archive at `path`, ours or a foreign one. Throws archive-*, config-missing and xz-*. */
export async function inspectArchive(path: string): Promise<ArchiveReport> {
  await using archive = await openArchive(path);
  const label = `archive "${path}"`;
  const scan = await scanMembers(await archive.browse(), { withDigests: false });
  const named = findNamedImages(scan, label);
  if (named === undefined) throw notAnArchive(label);
  const images = named.map((image) => {
    const listed = describeNamedImage(scan, image, label);
    if (listed !== undefined) return listed;
    throw new BundleError(
      'config-missing',
      `Cannot read ${label}: the config "${image.configName}" of ${image.names.join(', ') || 'an untagged image'} is not in it`,
    );
  });
  const blocks = archive.structure?.streams.flatMap((stream) => stream.blocks);
  return {
    path,
    size: archive.size,
    compression: archive.compression,
    images,
    layerCount: new Set(images.flatMap((image) => image.layers.map((layer) => layer.diffId))).size,
    ...(archive.structure &&
      blocks && {
        xz: {
          streamCount: archive.structure.streams.length,
          blockCount: blocks.length,
          checks: [...new Set(archive.structure.streams.map((stream) => stream.check))],
          uncompressedSize: archive.structure.uncompressedSize,
          largestBlockSize: blocks.reduce((largest, block) => Math.max(largest, block.uncompressedSize), 0),
        },
      }),
  };
}

/** The error for a tar that names no images. */
export function notAnArchive(label: string): BundleError {
  return new BundleError(
    'archive-corrupt',
    `Cannot read ${label}: it has neither manifest.json nor index.json`,
    {
      hint: 'Is it an archive of images, as docker save writes it? A container exported with docker export is none.',
    },
  );
}
