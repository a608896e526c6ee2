/** The members of a tar at random access: a plain archive, or the decoded content of an .xz file. */
import { readFully } from '../../file/read-chunks.ts';
import type { VirtualFile } from '../../file/virtual-file.ts';
import { FileByteReader } from '../../tar/byte-reader.ts';
import { walkTar } from '../../tar/walk-tar.ts';
import { MemberIndex } from '../layouts/member-index.ts';
import type { MemberTable } from '../layouts/member-table.ts';

export interface IndexTarOptions {
  /** What `file` is, for messages. */
  readonly label: string;
  readonly signal?: AbortSignal;
}

/** Bytes of a member that is read at once. */
const largestShared = 1024 * 1024;

/**
 * Reads all headers of `file` and no content. The table reads from `file`, which must stay open. Throws archive-empty,
 * archive-truncated, archive-corrupt.
 */
export async function indexTar(file: VirtualFile, { label, signal }: IndexTarOptions): Promise<MemberTable> {
  const index = new MemberIndex<{ readonly size: number; readonly start: number }>(label);
  for await (const entry of walkTar(new FileByteReader(file, label))) {
    signal?.throwIfAborted();
    index.cleanName(entry.name);
    if (entry.kind === 'file') index.addFile(entry.name, { size: entry.size, start: entry.contentPosition });
    else if (entry.kind === 'symlink' || entry.kind === 'hardlink') index.addLink(entry);
  }
  return {
    label,
    isEmpty: index.isEmpty,
    findMember(name) {
      const found = index.find(name);
      if (found === undefined) return Promise.resolve(undefined);
      const { size, start } = found.file;
      const range = { start, end: start + size, ...(signal && { signal }) };
      return Promise.resolve({
        kind: 'stored',
        name: found.name,
        size,
        start,
        // What is small may share a block with thousands of others: reading keeps it decoded, streaming does not.
        stream: () => (size <= largestShared ? readSmall(file, start, size) : file.stream(range)),
      });
    },
  };
}

async function* readSmall(file: VirtualFile, start: number, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(size);
  await readFully(file, bytes, start);
  yield bytes;
}
