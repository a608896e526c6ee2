/** What the bytes of a stored block or frame decode to, if they are such as our encoders make: others have to load them. */
import { decodeBlock } from '../addon/block-codec.ts';
import { decodeFrame } from '../addon/frame-codec.ts';
import { BundleError } from '../ground/errors.ts';
import { lzma2Id, parseBlockHeader } from '../format/xz/block-header.ts';
import type { BlockRecord } from '../plan/layout/block-record.ts';
import type { EncoderSettings } from '../plan/layout/profile.ts';
import type { CheckName } from '../format/xz/stream-flags.ts';

/** Bytes of a block's check (.xz 1.2.1 §2.1.1.2). */
const checkSizes: Readonly<Record<CheckName, number>> = { crc32: 4, crc64: 8, sha256: 32 };

/** MiB of the dictionary at presets 0 to 9 (xz(1), "-0 … -9"). */
const dictionarySizes: readonly number[] = [0.25, 1, 2, 4, 4, 8, 8, 16, 32, 64];

/**
 * The content of a stored block. Throws xz-corrupt or block-corrupt: also where it has no sizes in its header, or not those
 * of `record`, which an index is made of; another filter than LZMA2, which engines refuse; or a larger dictionary.
 */
export async function decodeStoredBlock(
  stored: Uint8Array,
  { unpaddedSize, uncompressedSize }: BlockRecord,
  { check, preset }: Pick<EncoderSettings, 'check' | 'preset'>,
): Promise<Uint8Array> {
  const { size, compressedSize = 0, filters, dictionarySize = 0, ...header } = parseBlockHeader(stored, 0);
  if (
    size + compressedSize + checkSizes[check] !== unpaddedSize ||
    header.uncompressedSize !== uncompressedSize ||
    filters.some(({ id }) => id !== lzma2Id) ||
    dictionarySize > (dictionarySizes[preset] ?? 0) * 2 ** 20
  ) {
    throw new BundleError('block-corrupt', 'its header is not one of this encoder');
  }
  return decodeBlock(stored, check, uncompressedSize);
}

/** The content of a stored frame. Throws archive-corrupt. */
export function decodeStoredFrame(
  stored: Uint8Array,
  { uncompressedSize }: BlockRecord,
): Promise<Uint8Array> {
  return decodeFrame(stored, uncompressedSize);
}
