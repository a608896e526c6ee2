/** What decides a frame's bytes, given its content, and the short name the cache files frames under. */
import { libzstdVersion } from '../../addon/frame-codec.ts';

export interface ZstProfile {
  /** The libzstd version, for encoders of different versions may differ: `1.5.4`. */
  readonly libzstd: string;
  /** 1 to 19, as in `zstd -9`. */
  readonly level: number;
}

/** docs/decisions/0090-frames-of-zstd.md has the figures. */
export const defaultZstLevel = 9;

/** The profile of `level` on this machine. */
export function completeZstProfile(level: number): ZstProfile {
  return { libzstd: libzstdVersion(), level };
}

/** A name for `profile`, fit for a folder: `zst9-1.5.4`. */
export function zstProfileName({ level, libzstd }: ZstProfile): string {
  return `zst${level}-${libzstd}`;
}

/** Whether `name` is that of a profile of `level`, with whichever libzstd. */
export function isProfileOfLevel(name: string, level: number): boolean {
  return new RegExp(`^zst${level}-[0-9.]+$`).test(name);
}
