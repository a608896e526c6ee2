/** What is copied to a stick: files with the digests that their copies must have. */
import type { Digest } from '../../ground/digest.ts';
import { fileOfBytes } from '../../file/file-of-bytes.ts';
import type { VirtualFile } from '../../file/virtual-file.ts';
import type { BundleDescription } from '../../bundle/description.ts';
import type { Stick, StickFile } from '../stick/create-stick.ts';

export interface CopyFile {
  readonly name: string;
  /** Permission bits. */
  readonly mode: number;
  readonly mtimeMs: number;
  readonly digest: Digest;
  readonly content: Pick<VirtualFile, 'size' | 'read' | 'stream'>;
}

/** One bundle, the same throughout. Must stay open for as long as its files are read. */
export interface CopySource extends AsyncDisposable {
  readonly description: BundleDescription;
  /** The archive or its parts first. */
  readonly files: readonly CopyFile[];
}

/** The files of `stick`, which must stay open: disposing of this closes nothing. */
export function sourceOfStick(stick: Stick): CopySource {
  return {
    description: stick.description,
    files: stick.files.map(({ name, mode, mtimeMs, digest, content }) => ({
      name,
      mode,
      mtimeMs,
      digest,
      content: openContent(content),
    })),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function openContent(content: StickFile['content']): CopyFile['content'] {
  return content.kind === 'extents' ? content.file : fileOfBytes(content.bytes);
}
