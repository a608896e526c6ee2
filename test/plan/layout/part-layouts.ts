/** Layouts of bundles that do not exist, to cut: blocks have sizes and keys, and no bytes. */
import { createHash } from 'node:crypto';
import type { BlockKey, BlockRecord } from '../../../src/plan/layout/block-record.ts';
import { digestOf } from '../../../src/ground/digest.ts';
import type { Layout } from '../../../src/plan/layout/extent.ts';
import { layOutXz } from '../../../src/plan/layout/xz-layout.ts';

/** A block named `name`: its key is as good as random, and always the same. */
export function fakeBlock(name: string, unpaddedSize: number): BlockRecord {
  const key = createHash('sha256').update(name).digest('hex') as BlockKey;
  return {
    key,
    unpaddedSize,
    uncompressedSize: unpaddedSize,
    digest: digestOf(Buffer.from(name)),
    crc64: '0'.repeat(16),
  };
}

export function layOut(blocks: readonly BlockRecord[]): Layout {
  return layOutXz(blocks, 'crc64');
}
