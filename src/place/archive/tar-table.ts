/** The members of a tar at random access: a plain archive, or the decoded content of an .xz file. */
import { readFully } from '../../file/read-chunks.ts';
import type { VirtualFile } from '../../file/virtual-file.ts';
import { FileByteReader } from '../../format/tar/byte-reader.ts';
import { expandSparse, type SparseMap } from '../../format/tar/sparse-map.ts';
import { type BytesBehindEnd, walkTar } from '../../format/tar/walk-tar.ts';
import { BundleOrder } from './layouts/bundle-order.ts';
import { MemberIndex } from './layouts/member-index.ts';
import type { MemberTable } from './layouts/member-table.ts';

export interface IndexTarOptions {
  /** What `file` is, for messages. */
  readonly label: string;
  readonly signal?: AbortSignal;
}

interface IndexedMember {
  readonly size: number;
  readonly start: number;
  readonly storedSize: number;
  readonly sparse: SparseMap | undefined;
}
/** Bytes of a member that is read at once. */
const largestShared = 1024 * 1024;

/**
 * Reads all headers of `file` and no content. The table reads from `file`, which must stay open. Throws archive-empty,
 * archive-truncated, archive-corrupt, archive-unsupported, source-failed for an engine's error in it.
 */
export async function indexTar(file: VirtualFile, { label, signal }: IndexTarOptions): Promise<MemberTable> {
  const index = new MemberIndex<IndexedMember>(label);
  const order = new BundleOrder();
  let extra: BytesBehindEnd | undefined;
  const entries = walkTar(new FileByteReader(file, label), (found) => {
    extra = found;
  });
  for await (const entry of entries) {
    order.add(entry);
    signal?.throwIfAborted();
    index.cleanName(entry.name);
    if (entry.kind === 'file') {
      const { size, contentPosition: start, storedSize, sparse } = entry;
      index.addFile(entry.name, { size, start, storedSize, sparse });
    } else if (entry.kind === 'symlink' || entry.kind === 'hardlink') index.addLink(entry);
  }
  return {
    label,
    isEmpty: index.isEmpty,
    isBundle: order.isBundle,
    extra,
    findMember(name) {
      const found = index.find(name);
      if (found === undefined) return Promise.resolve(undefined);
      const { size, start, storedSize, sparse } = found.file;
      const range = { start, end: start + storedSize, signal };
      return Promise.resolve({
        kind: 'stored',
        name: found.name,
        size,
        start: sparse === undefined ? start : undefined,
        // What is small may share a block with thousands of others: reading keeps it decoded, streaming does not.
        stream: () => {
          if (sparse !== undefined) return expandSparse(file.stream(range), sparse);
          return size <= largestShared ? readSmall(file, start, size) : file.stream(range);
        },
      });
    },
  };
}

async function* readSmall(file: VirtualFile, start: number, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(size);
  await readFully(file, bytes, start);
  yield bytes;
}
