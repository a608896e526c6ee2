/** Descriptions of bundles that do not exist, and images to go with them, for tests of what is made from descriptions. */
import { createHash } from 'node:crypto';
import type { BundleDescription } from '../../../src/bundle/description.ts';
import { digestOf } from '../../../src/ground/digest.ts';
import type { PageInput } from '../../../src/product/stick/page/page-model.ts';

export interface SketchedImage {
  readonly names: readonly string[];
  /** Images with one content are one image. */
  readonly content: string;
  /** Names of layers, each with its size behind a colon: `base:1000`. */
  readonly layers: readonly string[];
  /** The build steps; `RUN make <layer>` where absent. */
  readonly steps?: readonly string[];
  readonly platform?: string;
}

export const hexOfText = (text: string): string => createHash('sha256').update(text).digest('hex');
const layerId = (layer: string): string => `sha256:${hexOfText(layer)}`;
const sizeOf = (layer: string): number => Number(layer.split(':')[1]);

function configOf({ content, layers, steps }: SketchedImage): Buffer {
  return Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      created: '2026-11-01T10:00:00Z',
      rootfs: { type: 'layers', diff_ids: layers.map(layerId) },
      history: layers.map((layer, index) => ({ created_by: steps?.[index] ?? `RUN make ${layer}` })),
      comment: content,
    }),
  );
}

/** The description of a bundle of these images, and the images. */
export function sketchBundle(
  images: readonly SketchedImage[],
  {
    created = '2026-11-25T10:00:00Z',
    tool = 'bundlefs 0.2.0',
    parts,
  }: { created?: string; tool?: string; parts?: BundleDescription['parts'] } = {},
): PageInput {
  const layers = [...new Set(images.flatMap((image) => image.layers))];
  const size = layers.reduce((sum, layer) => sum + sizeOf(layer), 0) + 500;
  const archive = {
    name: 'images.tar.xz',
    size,
    sha256: hexOfText(layers.join()),
    tarSize: size * 4,
    isSplit: parts !== undefined,
  };
  const configs = images.map(configOf);
  return {
    description: {
      format: 'bundlefs-bundle-1',
      tool,
      created,
      archive,
      parts: parts ?? [{ name: archive.name, size, sha256: archive.sha256 }],
      images: images.map((image, index) => ({
        names: [...image.names],
        id: digestOf(configs[index] ?? Buffer.alloc(0)),
        platform: image.platform ?? 'linux/amd64',
        created: '2026-11-01T10:00:00Z',
        size: image.layers.reduce((sum, layer) => sum + sizeOf(layer) * 4, 0),
        layers: image.layers.map(layerId),
      })),
      layers: layers.map((layer) => ({
        diffId: layerId(layer),
        size: sizeOf(layer) * 4,
        storedSize: sizeOf(layer),
      })),
    },
    images: configs.map((config) => ({ config, configDigest: digestOf(config) })),
  };
}

/** The parts of a bundle by what they hold: `['a', 'b']` are two parts. */
export function sketchParts(contents: readonly string[]): BundleDescription['parts'] {
  return contents.map((content, index) => ({
    name: `images.tar.xz.${String(index + 1).padStart(3, '0')}`,
    size: 1000 + content.length,
    sha256: hexOfText(content),
  }));
}
