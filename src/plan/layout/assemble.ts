/** Puts a bundle together from records: images and their layers' blocks in, the layout of the .xz file out. */
import { appendAll } from '../../ground/long-lists.ts';
import { type BlockRecord, storedSize } from './block-record.ts';
import type { LayerRecord } from './layer-record.ts';
import type { CheckName } from '../../format/xz/stream-flags.ts';
import type { DiffId, Digest } from '../../ground/digest.ts';
import { BundleError } from '../../ground/errors.ts';
import type { Image } from '../../image/image.ts';
import type { Layout } from './extent.ts';
import { layOutXz } from './xz-layout.ts';
import { manifestDigestOf, planBundle } from '../plan-bundle.ts';
import { planSegments } from '../plan-segments.ts';

/** A bundle laid out: ready to be read as far as its blocks are stored. */
export interface AssembledBundle {
  readonly layout: Layout;
  readonly check: CheckName;
  /** In the order of the bundle; joined, their content is the bundle tar. */
  readonly blocks: readonly BlockRecord[];
  /** Every layer once, in the order of the bundle. */
  readonly layers: readonly AssembledLayer[];
  /** Bytes of the bundle tar. */
  readonly tarSize: number;
  /** By the digest of an image's config, that of its OCI manifest. */
  readonly manifestDigests: ReadonlyMap<Digest, Digest>;
}

export interface AssembledLayer {
  readonly diffId: DiffId;
  /** Bytes of its tar. */
  readonly size: number;
  /** Bytes of its blocks. */
  readonly storedSize: number;
  /** In the layer's order. */
  readonly blocks: readonly BlockRecord[];
}

/** Where the parts of a bundle come from: made when a bundle is prepared, found when one is mounted. */
export interface AssembleParts {
  readonly findLayer: (diffId: DiffId) => LayerRecord | undefined;
  readonly glueBlock: (glue: Uint8Array) => Promise<BlockRecord>;
}

/** Assembles the bundle of `images`. Throws block-missing where a layer is not known to `parts`. */
export async function assembleBundle(
  images: readonly Image[],
  check: CheckName,
  parts: AssembleParts,
): Promise<AssembledBundle> {
  const getLayer = (diffId: DiffId): LayerRecord => {
    const record = parts.findLayer(diffId);
    if (record === undefined) {
      throw new BundleError(
        'block-missing',
        `Cannot assemble the bundle: layer ${diffId} is not in the cache`,
        {
          hint: 'Build the bundle again from its images.',
        },
      );
    }
    return record;
  };
  const layerSize = (diffId: DiffId): number => getLayer(diffId).size;
  const blocks: BlockRecord[] = [];
  const members = planBundle(images, layerSize);
  const layers = members.flatMap((member) =>
    member.kind === 'layer' ? [measureLayer(getLayer(member.diffId))] : [],
  );
  for (const segment of planSegments(members)) {
    if (segment.kind === 'layer') appendAll(blocks, getLayer(segment.diffId).blocks);
    else blocks.push(await parts.glueBlock(segment.bytes));
  }
  const tarSize = blocks.reduce((sum, block) => sum + block.uncompressedSize, 0);
  const manifestDigests = new Map(
    images.map((image) => [image.configDigest, manifestDigestOf(image, layerSize)]),
  );
  return { layout: layOutXz(blocks, check), check, blocks, layers, tarSize, manifestDigests };
}

function measureLayer({ diffId, size, blocks }: LayerRecord): AssembledLayer {
  return { diffId, size, storedSize: blocks.reduce((sum, block) => sum + storedSize(block), 0), blocks };
}
