/** Turns what the user said of platforms, or nothing, into a wish. */
import { arch } from 'node:process';
import { parsePlatform, platformOfArch, type PlatformWish } from '../image/platform.ts';

/**
 * The wish for `platform` (`linux/arm64`, `arm64`); where it is left out, the host's, and that only of images that there are
 * several of. Throws invalid-argument.
 */
export function wishPlatform(platform?: string): PlatformWish {
  if (platform === undefined) return { platform: platformOfArch(arch), isRequired: false };
  return { platform: parsePlatform(platform, arch), isRequired: true };
}
