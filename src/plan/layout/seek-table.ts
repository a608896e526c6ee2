/** The seek table of a multi-frame zstd file (facebook/zstd, contrib/seekable_format/zstd_seekable_compression_format.md, 0.1.0). */

/** A skippable frame's magic number (RFC 8878 §3.1.2): the one that the format takes. */
const skippableMagic = 0x184d2a5e;
const seekableMagic = 0x8f92eab1;
/** The format's limit, ZSTD_SEEKABLE_MAXFRAMES. */
const mostFrames = 0x8000000;
const headerSize = 8;
const entrySize = 8;
const footerSize = 9;

export interface SeekEntry {
  /** Bytes of the frame. */
  readonly frameSize: number;
  /** Bytes of its content. */
  readonly contentSize: number;
}

/**
 * The skippable frame that ends the file: for each frame its size and that of its content, then their count, a descriptor,
 * the magic number. All integers are little-endian. No checksums: each frame has its own. Two frames: 8 + 2 × 8 + 9 bytes.
 */
export function encodeSeekTable(entries: readonly SeekEntry[]): Buffer {
  if (entries.length > mostFrames) throw new RangeError('A seek table cannot have more than 2^27 frames');
  const size = entries.length * entrySize + footerSize;
  const bytes = Buffer.alloc(headerSize + size);
  bytes.writeUInt32LE(skippableMagic, 0);
  bytes.writeUInt32LE(size, 4);
  let position = headerSize;
  for (const { frameSize, contentSize } of entries) {
    bytes.writeUInt32LE(frameSize, position);
    bytes.writeUInt32LE(contentSize, position + 4);
    position += entrySize;
  }
  bytes.writeUInt32LE(entries.length, position);
  bytes.writeUInt32LE(seekableMagic, position + 5); // behind the descriptor, which is 0: no checksums
  return bytes;
}
