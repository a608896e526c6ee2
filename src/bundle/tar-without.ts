/** The bundle tar without some of its layers, for an engine that has these. */
import type { DiffId } from '../ground/digest.ts';
import { fileOfBytes } from '../file/file-of-bytes.ts';
import { joinFiles } from '../file/joined-file.ts';
import { sliceFile } from '../file/slice-file.ts';
import type { VirtualFile } from '../file/virtual-file.ts';
import { locateMembers } from '../plan/locate-members.ts';
import { planBundle } from '../plan/plan-bundle.ts';
import { planSegments } from '../plan/plan-segments.ts';
import type { Bundle } from './open-bundle.ts';

/**
 * The tar of `bundle` without the layers `omitted`; all else, manifests too, names them still. It reads the other layers
 * from `bundle.tar`, which must stay open meanwhile.
 */
export function openTarWithout(
  { images, assembled, tar }: Pick<Bundle, 'images' | 'assembled' | 'tar'>,
  omitted: ReadonlySet<DiffId>,
): VirtualFile {
  const sizes = new Map(assembled.layers.map(({ diffId, size }) => [diffId, size]));
  const members = planBundle(images, (diffId) => sizes.get(diffId) ?? 0);
  const starts = new Map<DiffId, number>();
  for (const { member, start } of locateMembers(members)) {
    if (member.kind === 'layer') starts.set(member.diffId, start);
  }
  const kept = members.filter((member) => member.kind !== 'layer' || !omitted.has(member.diffId));
  const parts = planSegments(kept).map((segment) => {
    if (segment.kind === 'glue') return fileOfBytes(segment.bytes);
    const start = starts.get(segment.diffId) ?? 0;
    return sliceFile(tar, start, start + segment.size);
  });
  return joinFiles(parts);
}
