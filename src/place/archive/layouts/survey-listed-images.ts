/** What a table of members says of its images, without reading a layer. */
import { groupBy } from '../../../ground/group-by.ts';
import { layerSteps, parseImageConfig } from '../../../image/image-config.ts';
import type { PlatformWish } from '../../../image/platform.ts';
import type { Reference } from '../../../image/reference.ts';
import type { SurveyedImage } from '../../../image/image-source.ts';
import { type LeaveOut, readUnlessLeftOut } from '../../../image/leave-out.ts';
import type { MemberTable } from './member-table.ts';
import { readImage, type ReadImage, selectListed } from './read-listed-images.ts';

/** The images of `table` that `references` name, all where it is empty; images of one config are one. Throws as readListedImages does. */
export async function surveyListedImages(
  table: MemberTable,
  references: readonly Reference[],
  wish: PlatformWish,
  leaveOut?: LeaveOut,
): Promise<SurveyedImage[]> {
  const found: ReadImage[] = [];
  for (const selected of await selectListed(table, references, wish)) {
    const read = await readUnlessLeftOut(() => readImage(table, selected), selected.isNamed, leaveOut);
    if (read !== undefined) found.push(read);
  }
  return [...groupBy(found, ({ image }) => image.configDigest)].map(([id, same]) => {
    const { image, layers } = same[0];
    const steps = layerSteps(parseImageConfig(image.config, `the config ${id}`).history);
    return {
      id,
      tags: [...new Set(same.flatMap((one) => one.image.tags))].sort(),
      config: image.config,
      layers: layers.map(({ diffId, member, storedDigest }, index) => {
        const createdBy = steps[index];
        return {
          diffId,
          size: member.size,
          // What is named by another digest is compressed: then its size is that of fewer bytes.
          isExact: storedDigest === undefined || storedDigest === diffId,
          createdBy,
        };
      }),
    };
  });
}
