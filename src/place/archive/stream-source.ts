/** The source for an archive of images on standard input. */
import { BundleError, describeError, isBundleError } from '../../ground/errors.ts';
import type { PlatformWish } from '../../image/platform.ts';
import type { ImageSource } from '../../image/image-source.ts';
import { readDockerArchiveStream } from './read-docker-archive-stream.ts';

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
