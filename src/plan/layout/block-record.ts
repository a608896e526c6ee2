/** What is kept for ever of a block: enough to lay out a bundle, and to tell whether stored bytes are the right ones. */
import type { Digest } from '../../ground/digest.ts';

declare const brand: unique symbol;

/** 64 hex digits: sha256 of a block's uncompressed content. With the encoder's name it decides the block's bytes. */
export type BlockKey = string & { readonly [brand]: 'block-key' };

export interface BlockRecord {
  readonly key: BlockKey;
  /** Bytes of header, compressed data and check, without padding (.xz 1.2.1 §4.3 "Unpadded Size"); all bytes of a frame. */
  readonly unpaddedSize: number;
  /** Bytes of the content. */
  readonly uncompressedSize: number;
  /** sha256 of the stored bytes, padding included. */
  readonly digest: Digest;
  /** CRC64 (ECMA-182, as in .xz) of the stored bytes: what native reads check a block by, at 6 GB/s. 16 hex digits. */
  readonly crc64: string;
}

/** Bytes that the block takes in a bundle and on disk: its unpadded size rounded up to a multiple of four (.xz 1.2.1 §3.3). */
export function storedSize(record: { readonly unpaddedSize: number }): number {
  return Math.ceil(record.unpaddedSize / 4) * 4;
}

/** A kind of stored bytes: how its files are told from those of others, and how many bytes a record stands for. */
export interface StoredForm {
  /** Eight characters, where a file's trailer begins. */
  readonly magic: string;
  readonly sizeOf: (record: BlockRecord) => number;
}

export const blockForm: StoredForm = { magic: 'bfsblk2\n', sizeOf: storedSize };

/** Of the same content in another format, whose frames are not padded (docs/format.md, "The .tar.zst form"). */
export const frameForm: StoredForm = { magic: 'bfsfrm1\n', sizeOf: ({ unpaddedSize }) => unpaddedSize };
