/** Has an engine export images, and hands their layers to the sink. */
import { BundleError, isBundleError } from '../../errors.ts';
import type { Image } from '../../image/image.ts';
import { familiarName, parseReference } from '../../image/reference.ts';
import { readDockerArchiveStream } from '../docker-archive/read-docker-archive-stream.ts';
import type { LayerSink } from '../image-source.ts';
import { checkAnswer, type EngineConnection } from './engine-connection.ts';
import { engineFailed } from './engine-error.ts';
import type { EngineImage } from './engine-image.ts';

/** An image and the fully qualified names it was asked for by, which may be none. */
export interface WantedImage extends EngineImage {
  readonly tags: readonly string[];
}

export interface ExportImagesOptions {
  readonly signal?: AbortSignal;
  /** Called with the bytes of this export so far. */
  readonly onRead?: (done: number) => void;
}

const again = 'The image was built or pulled again in the meantime. Run the command again.';

/**
 * Exports `wanted` in one go; where they are several, all must have tags. Returns an image for each, in order, whose
 * layers are those that the engine names for it. Throws source-failed, layer-*, config-*, and what the sink throws.
 */
export async function exportImages(
  connection: EngineConnection,
  wanted: readonly WantedImage[],
  sink: LayerSink,
  { signal, onRead }: ExportImagesOptions = {},
): Promise<Image[]> {
  const names = wanted.map(exportNameOf);
  const title = names.map((name) => familiarName(name)).join('", "');
  const request = {
    what: `export "${title}"`,
    path: '/images/get',
    query: { names },
    ...(signal && { signal }),
  };
  const answer = await connection.send(request);
  await checkAnswer(connection, request, answer);
  const label = `the export of "${title}"`;
  let images: readonly Image[];
  try {
    images = await readDockerArchiveStream(withHangUps(), references(wanted), sink, {
      label,
      ...(signal && { signal }),
      onRead: (done) => onRead?.(done),
      release: () => answer.body.destroy(),
    });
  } catch (error) {
    throw toSourceError(error, wanted);
  }
  return wanted.map((one, index) => {
    const found = pickImage(one, images);
    if (found !== undefined && isEqual(found.layers, one.layers)) return found;
    throw new BundleError(
      'source-failed',
      `Cannot export "${familiarName(names[index] ?? one.id)}" at ${connection.description}: what it exported is not the image that it described before`,
      { hint: again },
    );
  });

  async function* withHangUps(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of answer.body) yield chunk as Buffer;
    } catch (error) {
      signal?.throwIfAborted();
      throw engineFailed(connection.endpoint, request.what, error);
    }
  }
}

/** A name says more than an id where the export goes wrong, and finds the image again among others. */
function exportNameOf({ tags, id }: WantedImage): string {
  return tags[0] ?? id;
}

/** Nothing, which is everything, for an image without a name: how the archive calls it differs among engines. */
function references(wanted: readonly WantedImage[]): ReturnType<typeof parseReference>[] {
  return wanted.flatMap(({ tags: [tag] }) => (tag === undefined ? [] : [parseReference(tag)]));
}

function pickImage({ tags: [tag], layers }: WantedImage, images: readonly Image[]): Image | undefined {
  return tag === undefined
    ? images.find((image) => isEqual(image.layers, layers))
    : images.find((image) => image.tags.includes(tag));
}

/** An archive that is cut off, or lacks what it names, is the engine's doing here. */
function toSourceError(error: unknown, wanted: readonly WantedImage[]): unknown {
  if (isBundleError(error, 'archive-truncated', 'archive-empty', 'image-not-found')) {
    return new BundleError('source-failed', error.message, {
      cause: error,
      hint: 'See whether docker save can do it.',
    });
  }
  if (!isBundleError(error, 'layer-missing', 'config-missing')) return error;
  const names = wanted.map((image) => familiarName(exportNameOf(image))).join(' ');
  return new BundleError(error.code, error.message, {
    cause: error,
    hint:
      'The engine does not have all of the image: its containerd image store does not download layers that it has\n' +
      'unpacked already (https://github.com/moby/moby/issues/49473). Remove the image and pull it again:\n' +
      `  docker image rm ${names} && docker image prune && docker pull ${names}`,
  });
}

function isEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
