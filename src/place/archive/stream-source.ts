/** The source for an archive of images on standard input. */
import { BundleError, describeError, isBundleError } from '../../ground/errors.ts';
import type { PlatformWish } from '../../image/platform.ts';
import type { ImageSource, LayerSink, ReadImagesOptions } from '../../image/image-source.ts';
import type { Image } from '../../image/image.ts';
import type { Reference } from '../../image/reference.ts';
import { decompress } from './decompress.ts';
import { readListedImages } from './layouts/read-listed-images.ts';
import { explainingStreamDamage } from './explain-damage.ts';
import { wishPlatform } from '../platform-wish.ts';
import { watchStream } from './watch-stream.ts';
import { passTar } from './passed-table.ts';

/** What is read of process.stdin. */
export interface StandardInput extends AsyncIterable<Uint8Array> {
  readonly isTTY?: boolean;
  destroy(): unknown;
}

/**
 * The archive that `input` is, of any form that a file may have. It can be read once: a second readImages throws
 * source-failed. Throws invalid-argument where `input` is a terminal.
 */
export function createStreamSource(input: StandardInput, wish: PlatformWish): ImageSource {
  if (input.isTTY === true) {
    throw new BundleError('invalid-argument', 'Cannot read "-": standard input is a terminal', {
      hint: 'Pipe an archive into it: docker save IMAGE | bundlefs ... --from -',
    });
  }
  const label = 'standard input';
  let wasRead = false;
  const release = (): void => {
    input.destroy();
  };
  return {
    description: label,
    async readImages(references, sink, options = {}) {
      if (wasRead) {
        throw new BundleError('source-failed', `Cannot read ${label}: it was read already`, {
          hint: 'Run the command again, or save to a file first and name that.',
        });
      }
      wasRead = true;
      const archive = naming(input, label);
      return readDockerArchiveStream(archive, references, sink, { ...options, label, wish, release });
    },
    close() {
      release();
      return Promise.resolve();
    },
  };
}

/** What the system says against reading on, as an error that names `label`. */
async function* naming(
  input: AsyncIterable<Uint8Array>,
  label: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* input;
  } catch (error) {
    if (isBundleError(error)) throw error;
    throw new BundleError('source-failed', `Cannot read ${label}: ${describeError(error)}`, { cause: error });
  }
}

export interface ReadArchiveStreamOptions extends ReadImagesOptions {
  /** What is read, for messages: `archive "images.tar.gz"`, `the export of shop/web:1`. */
  readonly label: string;
  /** Bytes of `archive` in all, for onRead; undefined where nobody knows. */
  readonly total?: number;
  /** The host's where left out, and then only for names that have several. */
  readonly wish?: PlatformWish;
  /** As in ReadListedImagesOptions. */
  readonly fallbackNames?: readonly string[];
  /** Makes `archive` let go of the pipe or socket that it reads from; called at the end, whichever it is. */
  readonly release?: () => void;
}

/**
 * The images of `archive` that `references` name, or all. The archive is a docker archive or an OCI archive, plain or
 * compressed with gzip, zstd or xz, with members in any order; it is read to its end, in constant memory. Layers of
 * images that were not named go to the sink too, for whose they are is known only at the end. `onRead` counts bytes
 * of `archive` as it is. Throws as ImageSource.readImages says.
 */
export async function readDockerArchiveStream(
  archive: AsyncIterable<Uint8Array>,
  references: readonly Reference[],
  sink: LayerSink,
  options: ReadArchiveStreamOptions,
): Promise<Image[]> {
  const { label, total, wish = wishPlatform(), signal, onRead, leaveOut, release, fallbackNames } = options;
  try {
    const watched = watchStream(archive, {
      onRead: (done) => onRead?.(done, total),
      signal,
    });
    const table = await explainingStreamDamage(watched, (source) =>
      passTar(decompress(source, label, signal && { signal }), sink, { label, signal }),
    );
    return await readListedImages(table, references, sink, {
      wish,
      leaveOut,
      fallbackNames,
      signal,
    });
  } finally {
    release?.();
  }
}
