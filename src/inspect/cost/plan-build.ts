/** What a build would cost: known layers from their records, unknown ones by estimate or measured, time by past builds. */
import { storedSize } from '../../plan/layout/block-record.ts';
import type { LayerRecord } from '../../plan/layout/layer-record.ts';
import type { DiffId } from '../../ground/digest.ts';
import type { SurveyedImage, SurveyedLayer } from '../../image/image-source.ts';
import type { ContentImage } from '../contents/bundle-contents.ts';
import { compareImages, type ImageChange } from '../contents/compare-images.ts';
import type { NewPieces } from './measure-pieces.ts';
import type { PastFigures } from './past-builds.ts';

/** A number of bytes, and whether it is just that. */
export interface Amount {
  readonly size: number;
  readonly isExact: boolean;
}

export interface PlannedImage {
  readonly image: SurveyedImage;
  /** Compared with the last build of the journal; `added` where there is none. Never `removed`. */
  readonly change: ImageChange['kind'];
  /** Distinct layers that the cache does not have, from the lowest up. */
  readonly newLayers: readonly DiffId[];
}

export interface PlannedLayer {
  readonly layer: SurveyedLayer;
  /** How many of the images have it. */
  readonly imageCount: number;
  /** Where it was read and cut. */
  readonly pieces?: NewPieces;
}

export interface BuildPlan {
  readonly images: readonly PlannedImage[];
  /** Those of the last build that this one would not have. */
  readonly removed: readonly ContentImage[];
  /** Distinct layers that the cache does not have, the largest first. */
  readonly layers: readonly PlannedLayer[];
  /** Distinct layers in all. */
  readonly layerCount: number;
  /** What the source hands over: an engine whole images, others single layers. */
  readonly read: Amount;
  /** Content that has to be encoded; where it was not measured, at most. */
  readonly encode: Amount & { readonly likelySize?: number; readonly blockCount?: number };
  /** Content that is found encoded: known layers, and pieces of others where that was measured. */
  readonly reused: Amount & { readonly blockCount: number };
  /** Size of the bundle; undefined where nothing is there to go by. */
  readonly written?: Amount;
  /** Undefined where no past build says how fast. */
  readonly seconds?: number;
  readonly past: PastFigures;
}

export interface PlanBuildInput {
  readonly images: readonly SurveyedImage[];
  /** Records of the layers whose blocks are all there. */
  readonly records: ReadonlyMap<DiffId, LayerRecord>;
  /** Images of the last build. */
  readonly last: readonly ContentImage[];
  readonly past: PastFigures;
  /** Of the layers that were read and cut. */
  readonly measured?: ReadonlyMap<DiffId, NewPieces>;
}

/** The plan; reads nothing. */
export function planBuild({ images, records, last, past, measured }: PlanBuildInput): BuildPlan {
  const layers = listNewLayers(images, records, measured);
  const known = [...new Set(images.flatMap((image) => image.layers.map(({ diffId }) => diffId)))].flatMap(
    (diffId) => records.get(diffId) ?? [],
  );
  const knownSize = sum(known.map(({ size }) => size));
  const knownStored = sum(known.flatMap(({ blocks }) => blocks.map(storedSize)));
  const pieces = layers.map((layer) => layer.pieces);
  const isMeasured = pieces.every((found) => found !== undefined);
  const newSize = sum(layers.map(sizeOf));
  const encodeSize = isMeasured ? sum(pieces.map(({ newSize: size }) => size)) : newSize;
  const likelySize = isMeasured || past.encodedShare === undefined ? undefined : newSize * past.encodedShare;
  const ratio = past.storedRatio ?? (knownSize > 0 ? knownStored / knownSize : undefined);
  const read = planRead(images, layers);
  const changes = compareImages(last, images.map(toContentImage));
  const seconds = estimateSeconds(past, read.size, likelySize ?? encodeSize);
  return {
    images: images.map((image, index) => ({
      image,
      change: changes[index]?.kind ?? 'added',
      newLayers: [...new Set(image.layers.map(({ diffId }) => diffId))].filter(
        (diffId) => !records.has(diffId),
      ),
    })),
    removed: changes.flatMap((change) => (change.kind === 'removed' ? [change.before] : [])),
    layers,
    layerCount: known.length + layers.length,
    read,
    encode: {
      size: encodeSize,
      isExact: isMeasured,
      likelySize,
      blockCount: isMeasured ? sum(pieces.map(({ newBlockCount }) => newBlockCount)) : undefined,
    },
    reused: {
      size: knownSize + (isMeasured ? newSize - encodeSize : 0),
      isExact: isMeasured,
      blockCount:
        sum(known.map(({ blocks }) => blocks.length)) +
        (isMeasured ? sum(pieces.map((found) => found.blockCount - found.newBlockCount)) : 0),
    },
    written:
      newSize === 0 || ratio !== undefined
        ? { size: Math.round(knownStored + newSize * (ratio ?? 0)), isExact: false }
        : undefined,
    seconds,
    past,
  };
}

function listNewLayers(
  images: readonly SurveyedImage[],
  records: ReadonlyMap<DiffId, LayerRecord>,
  measured: ReadonlyMap<DiffId, NewPieces> | undefined,
): PlannedLayer[] {
  const found = new Map<DiffId, PlannedLayer>();
  for (const { layers } of images) {
    for (const layer of new Map(layers.map((one) => [one.diffId, one])).values()) {
      if (records.has(layer.diffId)) continue;
      const pieces = measured?.get(layer.diffId);
      const imageCount = (found.get(layer.diffId)?.imageCount ?? 0) + 1;
      found.set(layer.diffId, { layer, imageCount, pieces });
    }
  }
  return [...found.values()].sort((a, b) => sizeOf(b) - sizeOf(a));
}

function sizeOf({ layer, pieces }: PlannedLayer): number {
  return pieces?.size ?? layer.size ?? 0;
}

function planRead(images: readonly SurveyedImage[], layers: readonly PlannedLayer[]): Amount {
  const exportSizes = images.map(({ exportSize }) => exportSize);
  if (exportSizes.some((size) => size !== undefined)) {
    const size = sum(exportSizes.map((one) => one ?? 0));
    return { size, isExact: size === 0 };
  }
  const isExact = layers.every(({ layer, pieces }) => layer.isExact || pieces !== undefined);
  return { size: sum(layers.map(sizeOf)), isExact };
}

/** Reading and encoding overlap, so that the slower of the two counts. */
function estimateSeconds(past: PastFigures, readSize: number, encodeSize: number): number | undefined {
  if (past.buildCount === 0) return undefined;
  const isRateMissing =
    (encodeSize > 0 && past.encodeRate === undefined) || (readSize > 0 && past.readRate === undefined);
  if (isRateMissing) return undefined;
  const encodeSeconds = encodeSize === 0 ? 0 : encodeSize / (past.encodeRate ?? 1);
  const readSeconds = readSize === 0 ? 0 : readSize / (past.readRate ?? 1);
  return past.baseSeconds + Math.max(encodeSeconds, readSeconds);
}

function toContentImage({ id, tags, layers }: SurveyedImage): ContentImage {
  return { id, names: tags, layers: layers.map(({ diffId }) => diffId), history: [] };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
