/** Makes the frame of a block's content: encoded, read back, and not stored anywhere yet. */
import { decodeFrame, encodeFrame } from '../../addon/frame-codec.ts';
import type { BlockKey, BlockRecord } from '../../plan/layout/block-record.ts';
import { digestOf } from '../../ground/digest.ts';
import { BundleError } from '../../ground/errors.ts';
import type { ZstProfile } from './zst-profile.ts';

/** A frame that lies in memory. */
export interface EncodedContent {
  readonly record: BlockRecord;
  readonly bytes: Uint8Array;
}

/**
 * The frame of `content`, whose key is `key` and which must not change until then. Throws encode-failed, where the decoder
 * reads other bytes, too.
 */
export async function encodeContent(
  key: BlockKey,
  content: Uint8Array,
  { level }: ZstProfile,
  options: { readonly signal?: AbortSignal } = {},
): Promise<EncodedContent> {
  const { bytes, crc64 } = await encodeFrame(content, level, options);
  await readFrameBack(content, bytes);
  const record = {
    ...{ key, unpaddedSize: bytes.length, uncompressedSize: content.length },
    ...{ digest: digestOf(bytes), crc64 },
  };
  return { record, bytes };
}

/** Decodes `frame` and compares it with `content`; throws encode-failed where they differ in one byte. */
export async function readFrameBack(content: Uint8Array, frame: Uint8Array): Promise<void> {
  let decoded: Uint8Array;
  try {
    decoded = await decodeFrame(frame, content.length);
  } catch (error) {
    throw new BundleError('encode-failed', 'Cannot keep a new frame: it cannot be read back', {
      cause: error,
    });
  }
  if (Buffer.compare(decoded, content) !== 0) {
    throw new BundleError(
      'encode-failed',
      'Cannot keep a new frame: other bytes are read back than were encoded',
    );
  }
}
