/** The name of a block's content. */
import { createHash } from 'node:crypto';
import type { BlockKey } from './block-record.ts';
import type { Piece } from '../cut/piece-cutter.ts';

/** The key under which a block of this content is stored. */
export function contentKey({ parts }: Piece): BlockKey {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex') as BlockKey;
}
