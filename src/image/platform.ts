/** Platforms of images: which one a config is for, and which one of several is wanted. */
import { BundleError } from '../errors.ts';
import type { ImagePlatform } from './image-config.ts';

/** Which image to take of several under one name. */
export interface PlatformWish {
  readonly platform: ImagePlatform;
  /** Whether an image that is the only one of its name must be for this platform too. */
  readonly isRequired: boolean;
}

/** Node's names of architectures that Go calls otherwise. */
const goNames: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

/** The platform of Linux images that a machine of this architecture, as Node calls it, runs. */
export function platformOfArch(arch: string): ImagePlatform {
  return { architecture: goNames[arch] ?? arch, os: 'linux' };
}

/** Parses `linux/arm64` or `linux/arm/v7`. Throws invalid-argument. */
export function parsePlatform(text: string): ImagePlatform {
  const [os, architecture, variant, ...rest] = text.split('/');
  const parts = [os, architecture, variant ?? 'none'];
  if (!os || !architecture || rest.length > 0 || !parts.every((part) => /^[a-z0-9_.-]+$/.test(part ?? ''))) {
    throw new BundleError(
      'invalid-argument',
      `Cannot read platform "${text}": os/architecture or os/architecture/variant was expected`,
      { hint: 'For example linux/amd64, or linux/arm/v7.' },
    );
  }
  return { architecture, os, ...(variant === undefined ? {} : { variant }) };
}

/** `linux/arm/v7`. */
export function formatPlatform({ os, architecture, variant }: ImagePlatform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');
}

/** Whether an image for `platform` is what `wanted` asks for; a variant counts where both sides name one. */
export function matchesPlatform(platform: ImagePlatform, wanted: ImagePlatform): boolean {
  return (
    platform.os === wanted.os &&
    platform.architecture === wanted.architecture &&
    (platform.variant === undefined || wanted.variant === undefined || platform.variant === wanted.variant)
  );
}
