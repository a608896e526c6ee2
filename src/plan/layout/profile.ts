/** The encoder settings and cutting rule that a bundle is made with, and the short names the cache files them under. */
import type { CheckName } from '../../format/xz/stream-flags.ts';

/** All that decides a block's bytes, given its content. */
export interface EncoderSettings {
  /** The liblzma version, for encoders of different versions may differ: `5.4.1`. */
  readonly liblzma: string;
  /** 0 to 9, as in `xz -6`. */
  readonly preset: number;
  /** As in `xz -6e`. */
  readonly extreme: boolean;
  readonly check: CheckName;
}

/** All that decides a layer's blocks, given the layer. */
export interface Profile extends EncoderSettings {
  /** The name and version of the cutting rule: `files-1`. */
  readonly cutter: string;
}

/** A name for `settings`, fit for a folder: `xz6-crc64-5.4.1`, `xz9e-sha256-5.4.1`. */
export function encoderName(settings: EncoderSettings): string {
  return `xz${settings.preset}${settings.extreme ? 'e' : ''}-${settings.check}-${settings.liblzma}`;
}

/** The settings that encoderName gave this name to; undefined where that is none of its names. */
export function parseEncoderName(name: string): EncoderSettings | undefined {
  const [, preset, extreme, check, liblzma = ''] =
    /^xz([0-9])(e?)-(crc32|crc64|sha256)-([0-9][0-9A-Za-z.]*)$/.exec(name) ?? [];
  if (check === undefined) return undefined;
  return { liblzma, preset: Number(preset), extreme: extreme === 'e', check: check as CheckName };
}

/** A name for `profile`, fit for a folder. */
export function profileName(profile: Profile): string {
  return `${encoderName(profile)}-${profile.cutter}`;
}
