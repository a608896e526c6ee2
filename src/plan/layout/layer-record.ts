/** Which blocks a layer is made of, for ever true of a diffId and a profile. */
import type { DiffId } from '../../ground/digest.ts';
import type { BlockRecord } from './block-record.ts';

export interface LayerRecord {
  readonly diffId: DiffId;
  /** Bytes of the layer's tar: the sum of its blocks' uncompressed sizes. */
  readonly size: number;
  /** In the layer's order. A block that occurs twice stands here twice. */
  readonly blocks: readonly BlockRecord[];
}
