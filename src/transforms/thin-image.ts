/** Makes a thin image: the layers of an older image, and one with only what differs in the newer one. */
import type { Workshop } from '../bundle/prepare-bundle.ts';
import type { DiffId } from '../ground/digest.ts';
import { createImage, type Image } from '../image/image.ts';
import { describeSource } from './check-image.ts';
import { findMade, keepMade } from './made-images.ts';
import { openLayers } from './open-layers.ts';
import { isSaving, planThin, type ThinOptions, type ThinPlan } from './plan-thin.ts';
import { reworkConfig } from './rework-config.ts';
import { verifySame } from './verify-same.ts';
import { writeLayer } from './write-layer.ts';

/** Which image a thin one shows, and the first of which its layers are: among its labels. */
export const thinLabels = { image: 'bundlefs.thin.image', on: 'bundlefs.thin.on' } as const;

export interface MadeThin {
  /** undefined where it would be no smaller. */
  readonly image: Image | undefined;
  /** undefined where the image was made before. */
  readonly plan: ThinPlan | undefined;
}

/**
 * The image that shows what `image` shows, made of the layers of `on` and one more. Its config is that of `image`, which
 * its labels name. Throws what planThin throws, and bundle-corrupt where the result is not what it should be.
 */
export async function thinImage(
  image: Image,
  on: Image,
  options: ThinOptions,
  workshop: Workshop,
): Promise<MadeThin> {
  const { ignoreMtime = false } = options;
  const making = { thin: image.configDigest, on: on.configDigest, ignoreMtime };
  const known = await findMade(making, workshop.sink);
  if (known !== undefined) return { image: known, plan: undefined };
  await using layers = await openLayers(workshop);
  const plan = await planThin(image, on, options, layers);
  if (!isSaving(plan)) return { image: undefined, plan };
  const label = `the layer of ${describeSource(image)} on ${describeSource(on)}`;
  const { diffId } = await workshop.sink.addLayer(writeLayer(plan.parts, layers.open), { label });
  await workshop.settle();
  const made = makeImage(image, on, diffId);
  await verifySame(layers, image.layers, made.layers, { what: describeSource(image), ignoreMtime });
  await keepMade(making, made, workshop.sink);
  return { image: made, plan };
}

function makeImage(image: Image, on: Image, diffId: DiffId): Image {
  const config = reworkConfig(image.config, {
    layers: [...on.layers, diffId],
    base: on.config,
    step: {
      createdBy: 'bundlefs thin',
      comment: `what differs in ${image.configDigest} from ${on.configDigest}`,
    },
    labels: { [thinLabels.image]: image.configDigest, [thinLabels.on]: on.configDigest },
  });
  return createImage(config, image.tags);
}
