/** Describes a bundle for those who receive it. */
import type { Bundle } from '../../bundle/open-bundle.ts';
import { type DiffId, type Digest, hexOf } from '../../ground/digest.ts';
import type { Image } from '../../image/image.ts';
import { type ImagePlatform, parseImageConfig } from '../../image/image-config.ts';
import type { BundleDescription } from '../../bundle/description.ts';
import { archiveName } from '../../bundle/file-names.ts';

export interface DescribeBundleOptions {
  /** Name and version of the program. */
  readonly tool: string;
  /** Unix time in milliseconds. */
  readonly createdMs: number;
  /** Of the whole archive. */
  readonly digest: Digest;
  readonly parts: BundleDescription['parts'];
}

/** What `bundle` is, cut into these parts. The same bundle and options give an equal description. */
export function describeBundle(
  { images, assembled, xz }: Pick<Bundle, 'images' | 'assembled' | 'xz'>,
  { tool, createdMs, digest, parts }: DescribeBundleOptions,
): BundleDescription {
  const layerSizes = new Map<DiffId, number>(assembled.layers.map(({ diffId, size }) => [diffId, size]));
  return {
    format: 'bundlefs-bundle-1',
    tool,
    created: new Date(createdMs).toISOString().replace(/\.\d+Z$/, 'Z'),
    archive: {
      name: archiveName,
      size: xz.size,
      sha256: hexOf(digest),
      tarSize: assembled.tarSize,
      isSplit: parts.some((part) => part.name !== archiveName),
    },
    parts: [...parts],
    images: images.map((image) => describeImage(image, layerSizes)),
    layers: assembled.layers.map(({ diffId, size, storedSize }) => ({ diffId, size, storedSize })),
  };
}

function describeImage(
  { tags, configDigest, config, layers }: Image,
  layerSizes: ReadonlyMap<DiffId, number>,
): BundleDescription['images'][number] {
  const { platform, created = '' } = parseImageConfig(config, `the config ${configDigest}`);
  return {
    names: [...tags],
    id: configDigest,
    platform: formatPlatform(platform),
    created,
    size: layers.reduce((sum, diffId) => sum + (layerSizes.get(diffId) ?? 0), 0),
    layers: [...layers],
  };
}

function formatPlatform({ os, architecture, variant }: ImagePlatform): string {
  if (os === '' && architecture === '') return '';
  return [os, architecture, variant].filter((word) => word !== undefined).join('/');
}
