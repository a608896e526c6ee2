/** The format that a bundle is written in: what options or the output's name say. */
import { defaultZstLevel } from '../bundle/zst/zst-profile.ts';
import { BundleError } from '../ground/errors.ts';

/** `.tar.xz`, or `.tar.zst` for loaders that read no xz. */
export type BundleFormat = 'xz' | 'zst';

export interface ZstOptions {
  readonly zstLevel?: number;
}

export interface FormatOptions extends ZstOptions {
  readonly format?: BundleFormat;
}

export interface ChosenFormat {
  readonly format: BundleFormat;
  readonly level: number;
}

/** What is given, else what the name of `output` says. Throws invalid-argument for a level that nothing would have. */
export function chooseFormat({ format, zstLevel }: FormatOptions, output = ''): ChosenFormat {
  const chosen = format ?? (hasZstName(output) ? 'zst' : 'xz');
  if (chosen === 'xz' && zstLevel !== undefined) {
    throw new BundleError('invalid-argument', 'Cannot use --zst-level: the bundle is written as xz', {
      hint: 'Use --format zst, or --preset for the level of xz.',
    });
  }
  return { format: chosen, level: zstLevel ?? defaultZstLevel };
}

/** Whether a file of this name is expected to be zstd. */
export function hasZstName(path: string): boolean {
  return /\.t?zst$/i.test(path);
}
