/** Gathers what a plan is made of: the source's own words, the cache's records, the journal. Writes nothing. */
import type { Cache } from '../../cache/cache.ts';
import type { LayerRecord } from '../../plan/layout/layer-record.ts';
import { profileName } from '../../plan/layout/profile.ts';
import {
  createLeftOut,
  keepLoadableImages,
  type LeaveOutOptions,
  type LeftOut,
} from '../../bundle/leave-out.ts';
import { mapWithLimit } from '../../ground/map-with-limit.ts';
import { completeProfile, type ProfileChoice } from '../../bundle/prepare-bundle.ts';
import type { DiffId } from '../../ground/digest.ts';
import { layerSteps, parseImageConfig } from '../../image/image-config.ts';
import type { Image } from '../../image/image.ts';
import type { Reference } from '../../image/reference.ts';
import { applyTagRules, type TagRule } from '../../image/tag-rules.ts';
import type { ImageSource, LayerSink, SurveyedImage } from '../../image/image-source.ts';
import { baseVerb, finishedBuilds, imagesOf } from '../find/choose-build.ts';
import { createPieceMeasure, type NewPieces } from './measure-pieces.ts';
import { measurePast } from './past-builds.ts';
import { type BuildPlan, planBuild } from './plan-build.ts';

export interface SurveyBuildOptions extends LeaveOutOptions {
  readonly source: ImageSource;
  /** Empty for all images of the source. */
  readonly references: readonly Reference[];
  /** Other names for images in the bundle; none where left out. */
  readonly tagRules?: readonly TagRule[];
  readonly cache: Cache;
  readonly profile: ProfileChoice;
  /** Whether the bundle has images that are made of these: then engines need not load these as they are. */
  readonly isReworked?: boolean;
  /** Whether to read what the cache does not have, and cut it. */
  readonly exact?: boolean;
  readonly signal?: AbortSignal;
  readonly onRead?: (done: number, total: number | undefined) => void;
}

const lookupsAtOnce = 16;

/**
 * The plan of the build that prepareBundle would make of the same options. Layers are read only where `exact` wants it,
 * or where the source cannot say otherwise what it has.
 */
export async function surveyBuild(options: SurveyBuildOptions): Promise<BuildPlan> {
  const { source, references, cache, exact = false } = options;
  const profile = completeProfile(options.profile);
  const store = await cache.openBlocks(profile);
  const layers = await cache.openLayers(profile);
  const records = new Map<DiffId, LayerRecord>();
  const known: Pick<LayerSink, 'hasLayer' | 'findConfig'> = {
    async hasLayer(diffId) {
      if (records.has(diffId)) return true;
      const record = await layers.findLayer(diffId);
      const found =
        record && (await mapWithLimit(record.blocks, lookupsAtOnce, (block) => store.hasBlock(block)));
      if (record === undefined || found?.includes(false) === true) return false;
      records.set(diffId, record);
      return true;
    },
    async findConfig(imageId) {
      return cache.findConfig((await cache.findImageConfig(imageId)) ?? imageId);
    },
  };
  const leftOut = createLeftOut(options);
  const readOptions = {
    leaveOut: leftOut.leaveOut,
    signal: options.signal,
    onRead: options.onRead,
  };
  let images = await source.surveyImages?.(references, known, readOptions);
  let measured: ReadonlyMap<DiffId, NewPieces> | undefined;
  if (exact || images === undefined) {
    const measure = createPieceMeasure(store, known);
    const read = await source.readImages(references, measure.sink, readOptions);
    images ??= read.map((image) => describeImage(image, measure.layers));
    measured = measure.layers;
  }
  if (options.isReworked !== true) images = keepLoadable(images, leftOut);
  leftOut.checkLeft(images);
  for (const diffId of new Set(images.flatMap((image) => image.layers.map((layer) => layer.diffId)))) {
    await known.hasLayer(diffId);
  }
  const builds = finishedBuilds(await cache.listBuilds()).filter(
    (build) => build.profile === profileName(profile),
  );
  const last = builds.find(({ verb }) => verb !== baseVerb);
  const sizes = await readSizes(builds, (diffId) => layers.findLayer(diffId));
  await cache.save();
  return planBuild({
    images: applyTagRules(
      images.map((image) => ({ ...image, configDigest: image.id })),
      (options.tagRules ?? []).map((rule) => (leftOut.hasAny ? { ...rule, mustMatch: false } : rule)),
    ),
    records,
    last: last === undefined ? [] : imagesOf(last),
    past: measurePast(builds, (diffId) => sizes.get(diffId)),
    measured,
  });
}

/** What a source says without a config is in an engine already. */
function keepLoadable(images: readonly SurveyedImage[], leftOut: LeftOut): SurveyedImage[] {
  return images.filter(({ config, id, tags }) => {
    if (config === undefined) return true;
    return keepLoadableImages([{ config, tags, configDigest: id }], leftOut).length > 0;
  });
}

function describeImage(image: Image, measured: ReadonlyMap<DiffId, NewPieces>): SurveyedImage {
  const steps = layerSteps(parseImageConfig(image.config, `the config ${image.configDigest}`).history);
  const layers = image.layers.map((diffId, index) => {
    const [size, createdBy] = [measured.get(diffId)?.size, steps[index]];
    return {
      diffId,
      isExact: true,
      size,
      createdBy,
    };
  });
  return { id: image.configDigest, tags: image.tags, config: image.config, layers };
}

/** Tar sizes of the layers of `builds` that there are records of. */
async function readSizes(
  builds: ReturnType<typeof finishedBuilds>,
  findLayer: (diffId: DiffId) => Promise<LayerRecord | undefined>,
): Promise<ReadonlyMap<DiffId, number>> {
  const distinct = new Set(
    builds.slice(0, 21).flatMap(({ images }) => images.flatMap((image) => image.layers)),
  );
  const found = await mapWithLimit([...distinct], lookupsAtOnce, async (diffId) => {
    const size = (await findLayer(diffId))?.size;
    return size === undefined ? [] : [[diffId, size] as const];
  });
  return new Map(found.flat());
}
