/** What was made of an image is kept by what it was made of and how: the next build finds it and reads no layer. */
import { type Digest, digestOf } from '../ground/digest.ts';
import { createImage, type Image } from '../image/image.ts';
import type { LayerSink } from '../image/image-source.ts';

/** Changes with what the same image would be made to. */
const makerName = 'bundlefs-transform-2';

/** What something is made of, and how: equal ones make equal images. */
export type Making = Readonly<Record<string, string | number | boolean>>;

/** The image that was made so before, where all of its layers are still there; without names. */
export async function findMade(making: Making, sink: LayerSink): Promise<Image | undefined> {
  const config = await sink.findConfig(idOf(making));
  if (config === undefined) return undefined;
  const image = createImage(config, []);
  for (const diffId of image.layers) if (!(await sink.hasLayer(diffId))) return undefined;
  return image;
}

/** Keeps `image`, whose layers are all stored, for findMade. */
export async function keepMade(making: Making, image: Image, sink: LayerSink): Promise<void> {
  await sink.keepConfig(idOf(making), image.config);
}

/** Beside the ids of engines' images, whose configs are kept in the same way. */
function idOf(making: Making): Digest {
  return digestOf(Buffer.from(JSON.stringify([makerName, making])));
}
