/** Reads a new block back with a decoder that shares no code with liblzma, before it is kept. */
import { createHash } from 'node:crypto';
import { lzma2, xz } from '@napi-rs/lzma';
import { BundleError } from '../ground/errors.ts';
import { parseBlockHeader } from '../format/xz/block-header.ts';
import { encodeIndex } from '../format/xz/index-field.ts';
import { encodeStreamFooter } from '../format/xz/stream-footer.ts';
import { encodeStreamHeader } from '../format/xz/stream-header.ts';
import type { CheckName } from '../format/xz/stream-flags.ts';

/**
 * Decodes `block` (header to check, padded) independently and compares it with `content`; throws `encode-failed`
 * where they differ in one byte.
 */
export async function readBack(
  content: Uint8Array,
  block: Uint8Array,
  unpaddedSize: number,
  check: CheckName,
): Promise<void> {
  let decoded: Uint8Array;
  try {
    decoded =
      check === 'sha256'
        ? await decodeWithSha256(block, unpaddedSize)
        : await decodeAsStream(content, block, unpaddedSize, check);
  } catch (error) {
    throw new BundleError('encode-failed', 'Cannot keep a new block: a second decoder could not read it', {
      cause: error,
    });
  }
  if (Buffer.compare(decoded, content) !== 0) {
    throw new BundleError(
      'encode-failed',
      'Cannot keep a new block: a second decoder read other bytes than were encoded',
    );
  }
}

/** As a whole one-block stream, the decoder checks sizes, padding and check as well. */
async function decodeAsStream(
  content: Uint8Array,
  block: Uint8Array,
  unpaddedSize: number,
  check: CheckName,
): Promise<Uint8Array> {
  const index = encodeIndex([{ unpaddedSize, uncompressedSize: content.length }]);
  return xz.decompress(
    Buffer.concat([encodeStreamHeader(check), block, index, encodeStreamFooter(check, index.length)]),
  );
}

/** The decoder knows no SHA-256 checks (version 1.4.5), so it gets the bare LZMA2 data, and the check is ours to compare. */
async function decodeWithSha256(block: Uint8Array, unpaddedSize: number): Promise<Uint8Array> {
  const { size: headerSize } = parseBlockHeader(block, 0);
  const checkStart = Math.ceil(unpaddedSize / 4) * 4 - 32;
  const decoded = await lzma2.decompress(block.subarray(headerSize, checkStart));
  const sum = createHash('sha256').update(decoded).digest();
  if (Buffer.compare(sum, block.subarray(checkStart)) !== 0)
    throw new Error('the SHA-256 check does not fit');
  return decoded;
}
