/** Which files of a layer are worth a piece of their own: by where they lie, what they hold, and their size. */
import type { ScannedHeader } from '../../format/tar/scan-tar-header.ts';

/** Bytes from a file's start that decide its kind. */
export const sampleSize = 8192;

const kibibyte = 1024;

/** From this size on every file has pieces of its own, and below the other none has: no sample is needed. */
const alwaysOwnSize = 512 * kibibyte;
const neverOwnSize = 32 * kibibyte;

/**
 * The smallest file, in bytes, that has a piece of its own where a package manager put it. What is packed already
 * gains nothing from its neighbours. A shared library and a text have few bytes in common with what lies around them;
 * the programs and plug-ins of one package have many, and lose a tenth to a quarter of their size when they are
 * parted (docs/decisions/0008-cutting-at-files.md).
 */
const ownSizes = {
  packed: 32 * kibibyte,
  library: 128 * kibibyte,
  other: 384 * kibibyte,
  program: alwaysOwnSize,
} as const;

/** What package managers fill, and what below it they leave to others (Filesystem Hierarchy Standard 3.0). */
const packagedPlaces = /^(\.?\/)?(bin|boot|etc|lib(32|64|x32)?|sbin|usr|var)(\/|$)/;
const otherPlaces = /^(\.?\/)?(usr\/local|usr\/src|var\/www)(\/|$)/;

/**
 * Whether a path, without its content, is one that a package manager writes: files there keep the times of their
 * package, and change with it. Everything else is taken for an application's, with new times in every build.
 */
export function isPackaged(path: string): boolean {
  return packagedPlaces.test(path) && !otherPlaces.test(path);
}

/** Whether the file has a piece of its own, as far as its header tells; undefined where that takes a sample. */
export function hasOwnPiece({ contentSize, path }: ScannedHeader): boolean | undefined {
  if (contentSize < neverOwnSize) return false;
  if (contentSize >= alwaysOwnSize) return true;
  return isPackaged(path) ? undefined : true;
}

/** The same for a file whose first `sampleSize` bytes are known. */
export function hasOwnPieceBySample({ contentSize, path }: ScannedHeader, sample: Uint8Array): boolean {
  return contentSize >= ownSizes[kindOf(path, sample)];
}

function kindOf(path: string, sample: Uint8Array): keyof typeof ownSizes {
  if (isPacked(sample.subarray(sampleSize / 2))) return 'packed';
  const isElf = sample[0] === 0x7f && sample[1] === 0x45 && sample[2] === 0x4c && sample[3] === 0x46;
  if (!isElf) return 'other';
  return /(^|\/)lib[^/]*\.so[^/]*$/.test(path) ? 'library' : 'program';
}

/**
 * Whether bytes are spread like those of compressed data. The sum of the squares of how often each of the 256 values
 * occurs is about n²/256 + n for random bytes, twice that for text in base64, and far more for all else. Starts of
 * files are left out by the caller: even packed ones begin with plain headers.
 */
function isPacked(bytes: Uint8Array): boolean {
  const counts = new Uint16Array(256);
  for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1;
  const squares = counts.reduce((sum, count) => sum + count * count, 0);
  return squares * 256 < 1.3 * bytes.length * bytes.length;
}
