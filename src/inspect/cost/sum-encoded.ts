/** What several builds encoded, by repository, and by the steps of the histories that it was encoded for. */
import type { Digest } from '../../ground/digest.ts';
import { layerSteps, type HistoryEntry } from '../../image/image-config.ts';
import type { LayerRecord } from '../../plan/layout/layer-record.ts';
import { findEncodedBlocks } from './attribute-blocks.ts';
import type { ContentImage } from '../contents/bundle-contents.ts';
import { type FinishedBuild, imagesOf } from '../find/choose-build.ts';

export interface EncodedStep {
  /** The line of the history; empty where it is not known. */
  readonly createdBy: string;
  readonly buildCount: number;
  /** Bytes of content, and as they are stored. */
  readonly size: number;
  readonly storedSize: number;
}

export interface EncodedImage extends Omit<EncodedStep, 'createdBy'> {
  /** A repository, or the id of an image without a name. What images share counts in each. */
  readonly name: string;
  /** Most bytes first. */
  readonly steps: readonly EncodedStep[];
}

export interface SumEncodedOptions {
  readonly findRecord: (
    build: FinishedBuild,
    diffId: ContentImage['layers'][number],
  ) => Promise<LayerRecord | undefined>;
  readonly findHistory: (config: Digest) => Promise<readonly HistoryEntry[]>;
  /** The image of a build that is asked for; all where left out. */
  readonly select?: (build: FinishedBuild) => ContentImage | undefined;
}

interface Sum {
  readonly builds: Set<string>;
  size: number;
  storedSize: number;
}

/** The images of which `builds` encoded something, most bytes first. */
export async function sumEncoded(
  builds: readonly FinishedBuild[],
  { findRecord, findHistory, select }: SumEncodedOptions,
): Promise<EncodedImage[]> {
  const images = new Map<string, Sum & { readonly steps: Map<string, Sum> }>();
  for (const build of builds) {
    const encoded = new Set(build.encodedBlocks);
    if (encoded.size === 0) continue;
    const selected = select === undefined ? imagesOf(build) : [select(build)];
    for (const image of selected.filter((one) => one !== undefined)) {
      const steps = layerSteps(await findHistory(image.id));
      for (const [index, diffId] of image.layers.entries()) {
        const record = await findRecord(build, diffId);
        const part = findEncodedBlocks(record?.blocks ?? [], encoded);
        if (part.blockCount === 0) continue;
        const sum = getOr(images, nameOf(image), () => ({ ...startSum(), steps: new Map<string, Sum>() }));
        const step = steps.length === image.layers.length ? (steps[index] ?? '') : '';
        for (const one of [sum, getOr(sum.steps, step, startSum)]) {
          one.builds.add(build.id);
          one.size += part.size;
          one.storedSize += part.storedSize;
        }
      }
    }
  }
  return [...images]
    .map(([name, { steps, ...sum }]) => ({
      name,
      ...finishSum(sum),
      steps: [...steps]
        .map(([createdBy, step]) => ({ createdBy, ...finishSum(step) }))
        .sort((a, b) => b.size - a.size),
    }))
    .sort((a, b) => b.size - a.size);
}

/** Tags move from build to build; an image is looked for under its repository. */
function nameOf({ names: [name], id }: ContentImage): string {
  return name === undefined ? id : name.slice(0, name.lastIndexOf(':'));
}

function startSum(): Sum {
  return { builds: new Set(), size: 0, storedSize: 0 };
}

function finishSum({ builds, size, storedSize }: Sum): Omit<EncodedStep, 'createdBy'> {
  return { buildCount: builds.size, size, storedSize };
}

function getOr<Value>(map: Map<string, Value>, key: string, create: () => Value): Value {
  const value = map.get(key) ?? create();
  map.set(key, value);
  return value;
}
