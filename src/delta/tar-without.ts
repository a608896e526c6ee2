/** The bundle tar without some of its layers, for an engine that has these. */
import type { Bundle } from '../bundle/open-bundle.ts';
import type { DiffId } from '../digest.ts';
import { joinFiles } from '../file/joined-file.ts';
import { readChunks } from '../file/read-chunks.ts';
import type { VirtualFile } from '../file/virtual-file.ts';
import { planBundle } from '../plan/plan-bundle.ts';
import { planSegments } from '../plan/plan-segments.ts';

/**
 * The tar of `bundle` without the layers `omitted`; all else, manifests too, names them still. It reads the other layers
 * from `bundle.tar`, which must stay open meanwhile.
 */
export function openTarWithout(
  bundle: Pick<Bundle, 'images' | 'assembled' | 'tar'>,
  omitted: ReadonlySet<DiffId>,
): VirtualFile {
  const sizes = new Map(bundle.assembled.layers.map(({ diffId, size }) => [diffId, size]));
  const members = planBundle(bundle.images, (diffId) => sizes.get(diffId) ?? 0);
  const starts = new Map<DiffId, number>();
  let position = 0;
  for (const segment of planSegments(members)) {
    if (segment.kind === 'layer') starts.set(segment.diffId, position);
    position += segment.kind === 'layer' ? segment.size : segment.bytes.length;
  }
  const kept = members.filter((member) => member.kind !== 'layer' || !omitted.has(member.diffId));
  const parts = planSegments(kept).map((segment) =>
    segment.kind === 'glue'
      ? fileOfBytes(segment.bytes)
      : sliceFile(bundle.tar, starts.get(segment.diffId) ?? 0, segment.size),
  );
  const joined = joinFiles(parts);
  return {
    ...joined,
    // Each part by its own stream, which decodes ahead of its reader.
    stream: ({ start = 0, end = joined.size, signal } = {}) =>
      start === 0 && end === joined.size
        ? streamAll(parts, signal)
        : joined.stream({ start, end, ...(signal && { signal }) }),
  };
}

async function* streamAll(
  parts: readonly VirtualFile[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield* part.stream(signal ? { signal } : {});
}

function sliceFile(file: VirtualFile, from: number, size: number): VirtualFile {
  return {
    size,
    read: (target, position) => file.read(target.subarray(0, Math.max(0, size - position)), from + position),
    stream: ({ start = 0, end = size, signal } = {}) =>
      file.stream({ start: from + start, end: from + end, ...(signal && { signal }) }),
    close: () => Promise.resolve(),
  };
}

function fileOfBytes(bytes: Uint8Array): VirtualFile {
  const file: VirtualFile = {
    size: bytes.length,
    read(target, position) {
      const run = bytes.subarray(position, position + target.length);
      target.set(run);
      return Promise.resolve(run.length);
    },
    stream: (options) => readChunks(file, options),
    close: () => Promise.resolve(),
  };
  return file;
}
