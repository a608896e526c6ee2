/** Several files read as one: the parts of a split bundle. */
import type { VirtualFile } from './virtual-file.ts';

/** `parts` joined in their order. Owns them: closing this closes all. */
export function joinFiles(parts: readonly VirtualFile[]): VirtualFile {
  const starts: number[] = [];
  let size = 0;
  for (const part of parts) {
    starts.push(size);
    size += part.size;
  }
  return {
    size,
    async read(target, position) {
      const end = Math.min(size, position + target.length);
      let done = 0;
      // The last part that starts at or before the position; parts are few.
      for (
        let index = starts.findLastIndex((start) => start <= position);
        position + done < end;
        index += 1
      ) {
        const part = parts[index];
        if (part === undefined) break;
        const inside = position + done - (starts[index] ?? 0);
        const room = target.subarray(done, done + Math.min(part.size - inside, end - position - done));
        for (let filled = 0; filled < room.length;) {
          const count = await part.read(room.subarray(filled), inside + filled);
          if (count === 0) return done + filled;
          filled += count;
        }
        done += room.length;
      }
      return done;
    },
    // Each part by its own stream, which may read ahead of its reader.
    async *stream({ start = 0, end = size, signal } = {}) {
      for (const [index, part] of parts.entries()) {
        const partStart = starts[index] ?? 0;
        const [from, to] = [Math.max(0, start - partStart), Math.min(part.size, end - partStart)];
        if (from < to) yield* part.stream({ start: from, end: to, signal });
      }
    },
    async close() {
      for (const part of parts) await part.close();
    },
  };
}
