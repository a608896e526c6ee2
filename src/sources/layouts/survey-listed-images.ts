/** What a table of members says of its images, without reading a layer. */
import { layerSteps, parseImageConfig } from '../../image/image-config.ts';
import type { PlatformWish } from '../../image/platform.ts';
import type { Reference } from '../../image/reference.ts';
import type { SurveyedImage } from '../image-source.ts';
import { type LeaveOut, readUnlessLeftOut } from '../leave-out.ts';
import type { MemberTable } from './member-table.ts';
import { readImage, selectListed } from './read-listed-images.ts';

/** The images of `table` that `references` name, all where it is empty; images of one config are one. Throws as readListedImages does. */
export async function surveyListedImages(
  table: MemberTable,
  references: readonly Reference[],
  wish: PlatformWish,
  leaveOut?: LeaveOut,
): Promise<SurveyedImage[]> {
  const images = new Map<string, SurveyedImage>();
  for (const selected of await selectListed(table, references, wish)) {
    const read = await readUnlessLeftOut(() => readImage(table, selected), selected.isNamed, leaveOut);
    if (read === undefined) continue;
    const { image, layers } = read;
    const steps = layerSteps(parseImageConfig(image.config, `the config ${image.configDigest}`).history);
    const known = images.get(image.configDigest);
    images.set(image.configDigest, {
      id: image.configDigest,
      tags: [...new Set([...(known?.tags ?? []), ...image.tags])].sort(),
      config: image.config,
      layers: layers.map(({ diffId, member, storedDigest }, index) => {
        const createdBy = steps[index];
        return {
          diffId,
          size: member.size,
          // What is named by another digest is compressed: then its size is that of fewer bytes.
          isExact: storedDigest === undefined || storedDigest === diffId,
          ...(createdBy !== undefined && { createdBy }),
        };
      }),
    });
  }
  return [...images.values()];
}
