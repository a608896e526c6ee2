/** What `bundlefs why` found out, before it is written as text or JSON. */
import type { ChosenBuild, EarlierImage } from '../../../inspect/find/choose-build.ts';
import type { ExplainedLayer } from '../../../inspect/cost/explain-image.ts';
import { familiarName } from '../../../image/reference.ts';

/** What is known of an image's last encoding. */
export interface WhyReport {
  readonly chosen: ChosenBuild;
  readonly layers: readonly ExplainedLayer[];
}

export function whyToJson({ chosen, layers }: WhyReport): object {
  const { image, earlier, build } = chosen;
  return {
    image: { names: image.names.map(familiarName), id: image.id },
    build: { ...describeBuild(chosen), source: build.source, encodedStored: build.statistics?.encodedSize },
    earlier: earlier && {
      ...describeBuild(earlier),
      names: earlier.image.names.map(familiarName),
      id: earlier.image.id,
    },
    layers: layers.map(describeLayer),
  };
}

function describeBuild({ index, build }: ChosenBuild | EarlierImage): object {
  return { number: index, id: build.id, startedAt: build.startedAt };
}

function describeLayer(layer: ExplainedLayer): object {
  const { diffId, depth, createdBy, size, encoded, earlier, explanation } = layer;
  return {
    diffId,
    depth,
    createdBy,
    size,
    encoded: encoded && { blocks: encoded.blockCount, bytes: encoded.size, stored: encoded.storedSize },
    reused: encoded && { bytes: (size ?? 0) - encoded.size },
    earlier,
    files: explanation?.files,
    removed: explanation?.removed,
  };
}
