/** A run of a layout as a layout of its own: how a bundle is served in parts. */
import type { Extent, Layout } from './extent.ts';

/** The bytes of `layout` from `start` to `end`, each of which must begin or end an extent. Throws RangeError otherwise. */
export function sliceLayout(layout: Layout, start: number, end: number): Layout {
  const extents: Extent[] = [];
  let size = 0;
  for (const extent of layout.extents) {
    if (extent.start < start || extent.start >= end) continue;
    if (extent.start !== start + size) break;
    extents.push({ ...extent, start: size });
    size += extent.length;
  }
  if (start < 0 || size !== end - start) {
    throw new RangeError(`Bytes ${start} to ${end} of a layout are not whole extents`);
  }
  return { size, extents };
}
