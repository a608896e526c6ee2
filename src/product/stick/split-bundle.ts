/** The archive of a bundle as it lies on a stick: one file, or parts that each fit on the media. */
import { largestOf } from '../../ground/long-lists.ts';
import type { Bundle } from '../../bundle/open-bundle.ts';
import { BundleError } from '../../ground/errors.ts';
import type { StoredFile } from '../../file/stored-file.ts';
import { cutParts, partRuleName } from '../../plan/layout/cut-parts.ts';
import { archiveName } from '../../bundle/file-names.ts';

export interface BundlePart {
  readonly name: string;
  /** Where in the archive it ends; it begins where the one before it ends. */
  readonly end: number;
  readonly file: StoredFile;
}

export interface SplitBundle {
  /** A name for where it was cut, or undefined where it is whole. */
  readonly cutName: string | undefined;
  readonly parts: readonly BundlePart[];
}

/**
 * The parts of `bundle`'s archive, each at most `maxPartSize` bytes; one part, the archive, where that is undefined or
 * enough for all of it. Throws invalid-argument where a single block is larger.
 */
export function splitBundle(
  bundle: Pick<Bundle, 'assembled' | 'xz' | 'openPart'>,
  maxPartSize: number | undefined,
): SplitBundle {
  const { xz, assembled } = bundle;
  if (maxPartSize === undefined || xz.size <= maxPartSize) {
    return { cutName: undefined, parts: [{ name: archiveName, end: xz.size, file: xz }] };
  }
  const largest = largestOf(assembled.layout.extents.map((extent) => extent.length));
  if (largest > maxPartSize) {
    throw new BundleError(
      'invalid-argument',
      `Cannot cut the bundle into files of at most ${maxPartSize} bytes: one of its blocks has ${largest}`,
      { hint: 'A largest size of 17M is enough for any bundle.' },
    );
  }
  const ends = cutParts(assembled.layout, maxPartSize);
  const parts = ends.map((end, index): BundlePart => {
    const number = String(index + 1).padStart(3, '0');
    return { name: `${archiveName}.${number}`, end, file: bundle.openPart(ends[index - 1] ?? 0, end) };
  });
  return { cutName: `${partRuleName}:${maxPartSize}`, parts };
}
