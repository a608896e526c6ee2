/** Images that one name of a layout stands for, each for another platform, and the choice among them. */
import type { Digest } from '../../../ground/digest.ts';
import { BundleError, describeError } from '../../../ground/errors.ts';
import type { ImagePlatform } from '../../../image/image-config.ts';
import { findForPlatform, formatPlatform, type PlatformWish } from '../../../image/platform.ts';
import { noImage } from '../../../image/no-image.ts';
import { familiarName } from '../../../image/reference.ts';
import type { ImageDigests, ListedImage, LocatedImage } from './listed-image.ts';

/** One of the images. */
export interface ImageVariant {
  /** Of its manifest; undefined where it has none, or an unreadable descriptor. */
  readonly digest: Digest | undefined;
  /** What is wrong with it, so that it cannot be taken: the layout lacks its manifest, or that cannot be read. */
  readonly fault: BundleError | undefined;
  /** undefined where nothing says it. */
  findPlatform(): Promise<ImagePlatform | undefined>;
  /** Not to be asked of one with a fault. */
  locate(): Promise<LocatedImage>;
  findDigests(): Promise<ImageDigests>;
}

export interface ImageGroup {
  /** Fully qualified names with a tag. */
  readonly names: readonly string[];
  /** Those of its names that are no image names. */
  readonly unreadableNames?: readonly string[];
  /** What the layout calls it where that is no name but a tag alone (containers/image, "oci:dir:tag"). */
  readonly refName?: string | undefined;
  /** Why it is no image, but an artifact. */
  readonly noImage?: string | undefined;
  /** At least one, in the order in which they are chosen. */
  readonly variants: readonly ImageVariant[];
  /** Whether the first one is what loaders take that do not look for platforms. */
  readonly hasDefault?: boolean;
}

/** The image of `group` that is for `wish`, to be chosen when it is asked for. `label` names the layout. */
export function listGroup(group: ImageGroup, label: string, wish: PlatformWish): ListedImage {
  const { names, unreadableNames, refName, noImage: otherFault } = group;
  return {
    names,
    unreadableNames:
      unreadableNames !== undefined && unreadableNames.length > 0 ? unreadableNames : undefined,
    refName,
    noImage: otherFault,
    async locate() {
      if (otherFault !== undefined) throw noImage(`${nameOf(group)} of ${label}`, otherFault);
      const variant = await chooseVariant(group, wish);
      if (variant === undefined) throw await noneForPlatform(group, label, wish);
      if (variant.fault !== undefined) throw cannotTake(group, label, variant.fault);
      return variant.locate();
    },
    async findDigests() {
      const variant = await chooseVariant(group, wish);
      return (await variant?.findDigests()) ?? { config: undefined, manifests: [] };
    },
  };
}

/** Whether one of `group` is for the platform of `wish`, or nobody knows what it is for. */
export async function hasVariantFor(group: ImageGroup, wish: PlatformWish): Promise<boolean> {
  return (await chooseVariant(group, wish)) !== undefined;
}

/**
 * The best that fits and is there, the first of equally good ones (OCI image-spec, image-index.md); the only one, where no
 * platform is required; the one that loaders take, where none is required and none is there that fits.
 */
async function chooseVariant(
  { variants, hasDefault }: ImageGroup,
  wish: PlatformWish,
): Promise<ImageVariant | undefined> {
  const [first] = variants;
  if (variants.length === 1 && (!wish.isRequired || first?.fault !== undefined)) return first;
  const known = new Map<ImageVariant, ImagePlatform>();
  for (const variant of variants) {
    const platform = await variant.findPlatform();
    // What loaders take is not passed over for another one because it is damaged.
    if (platform === undefined && variant === first && hasDefault === true && !wish.isRequired) return first;
    if (platform !== undefined) known.set(variant, platform);
  }
  const find = (among: readonly ImageVariant[]): ImageVariant | undefined =>
    findForPlatform(among, (variant) => known.get(variant), wish.platform);
  const whole = find(variants.filter(({ fault }) => fault === undefined));
  if (whole !== undefined) return whole;
  return hasDefault === true && !wish.isRequired ? first : find(variants);
}

async function noneForPlatform(group: ImageGroup, label: string, wish: PlatformWish): Promise<BundleError> {
  const platforms = new Set<string>();
  for (const variant of group.variants) {
    const platform = await variant.findPlatform();
    if (platform !== undefined) platforms.add(formatPlatform(platform));
  }
  const wanted = formatPlatform(wish.platform);
  return new BundleError(
    'image-not-found',
    `Cannot take image "${nameOf(group)}" of ${label}: it is for ${[...platforms].join(', ') || 'no known platform'}, ${wanted} was wanted`,
  );
}

function cannotTake(group: ImageGroup, label: string, fault: BundleError): BundleError {
  const message = `Cannot take image "${nameOf(group)}" of ${label}: ${describeError(fault)}`;
  const hint = fault.hint ?? 'Its other images can be taken by their names.';
  return new BundleError(fault.code, message, { cause: fault, hint });
}

function nameOf({ names: [name], refName, variants }: ImageGroup): string {
  if (name !== undefined) return familiarName(name);
  return refName ?? variants[0]?.digest ?? 'without a name';
}
