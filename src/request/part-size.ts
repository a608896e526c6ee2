/** The size of the parts in which a bundle goes onto media: what options and the project file say. */
import { BundleError } from '../ground/errors.ts';
import { findSize } from '../ground/parse-size.ts';
import { type MediaName, mediaPartSizes } from '../product/stick/media.ts';
import type { ProjectFile } from './project-file.ts';

export interface PartOptions {
  /** Bytes. */
  readonly maxFileSize?: number;
  readonly media?: MediaName;
}

/** The largest part that the options ask for, if they do. */
export function chosenPartSize({ maxFileSize, media }: PartOptions): { readonly maxPartSize?: number } {
  const maxPartSize = media === undefined ? maxFileSize : mediaPartSizes[media];
  return maxPartSize === undefined ? {} : { maxPartSize };
}

/** The same options as the project file has them. Throws invalid-argument. */
export function chooseParts(stick: ProjectFile['stick']): PartOptions {
  const { maxFileSize, media } = stick ?? {};
  if (media !== undefined) return { media };
  if (maxFileSize === undefined) return {};
  const size = findSize(String(maxFileSize));
  if (size !== undefined && size > 0) return { maxFileSize: size };
  throw new BundleError('invalid-argument', `Cannot use stick.maxFileSize: "${maxFileSize}" is no size`);
}
