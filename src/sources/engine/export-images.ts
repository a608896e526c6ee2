/** Has an engine export images, and hands their layers to the sink. */
import { BundleError, isBundleError } from '../../errors.ts';
import { createImage } from '../../image/create-image.ts';
import type { Image } from '../../image/image.ts';
import { familiarName } from '../../image/reference.ts';
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
  /** Whether the engine's ids are the digests of configs. Where they are not, only one image can be exported. */
  readonly isIdOfConfig: boolean;
  readonly signal?: AbortSignal;
  /** Called with the bytes of this export so far. */
  readonly onRead?: (done: number) => void;
}

/**
 * Exports `wanted`, at least one, in one call; by id, for a tag may move meanwhile. Returns an image for each, in order,
 * with the layers that the engine names for it. Throws source-failed, config-*, layer-*, archive-*, and what the sink throws.
 */
export async function exportImages(
  connection: EngineConnection,
  wanted: readonly WantedImage[],
  sink: LayerSink,
  { isIdOfConfig, signal, onRead }: ExportImagesOptions,
): Promise<Image[]> {
  const label = `the export of ${wanted.map(describeWanted).join(', ')}`;
  const request = {
    what: `read ${label}`,
    path: '/images/get',
    query: { names: wanted.map(({ id }) => id) },
    ...(signal && { signal }),
  };
  const answer = await connection.send(request);
  await checkAnswer(connection, request, answer);

  async function* content(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of answer.body) yield chunk as Buffer;
    } catch (error) {
      signal?.throwIfAborted();
      throw engineFailed(connection.endpoint, request.what, error);
    }
  }

  try {
    const images = await readDockerArchiveStream(content(), [], sink, {
      label,
      ...(signal && { signal }),
      onRead: (done) => onRead?.(done),
      release: () => answer.body.destroy(),
    });
    return wanted.map((one) => createImage(claimImage(one, images, isIdOfConfig).config, one.tags));
  } catch (error) {
    throw toSourceError(error, wanted);
  }
}

/** The image's short name, or the start of its id where it was asked for by that. */
export function describeWanted({ id, tags: [tag] }: WantedImage): string {
  return tag === undefined ? id.slice('sha256:'.length, 19) : familiarName(tag);
}

/** In containerd's store the id does not name the config, but the export holds this image alone. */
function claimImage(wanted: WantedImage, exported: readonly Image[], isIdOfConfig: boolean): Image {
  const name = describeWanted(wanted);
  const image = isIdOfConfig
    ? exported.find(({ configDigest }) => configDigest === wanted.id)
    : (exported.find(({ layers }) => hasSameLayers(layers, wanted.layers)) ?? exported[0]);
  if (image === undefined) {
    throw new BundleError('config-mismatch', `Cannot take ${name}: the engine exported another image`);
  }
  if (hasSameLayers(image.layers, wanted.layers)) return image;
  throw new BundleError(
    'layer-mismatch',
    `Cannot take ${name}: the engine exported other layers than it said`,
  );
}

/** Whether these are the same layers in the same order. */
export function hasSameLayers(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((layer, index) => layer === b[index]);
}

/** An archive that is cut off is the engine's doing here, and what to do about a hollow one is known. */
function toSourceError(error: unknown, wanted: readonly WantedImage[]): unknown {
  if (isBundleError(error, 'archive-truncated', 'archive-empty')) {
    return new BundleError('source-failed', error.message, {
      cause: error,
      hint: 'The engine broke off. Its log may say why: journalctl -u docker',
    });
  }
  if (!isBundleError(error, 'layer-missing', 'config-missing')) return error;
  const names = wanted.map(describeWanted).join(' ');
  return new BundleError(error.code, error.message, {
    cause: error,
    hint:
      'The engine does not have all of it: its containerd image store does not download layers that it has unpacked\n' +
      'already (https://github.com/moby/moby/issues/49473). Remove the image and pull or load it again:\n' +
      `  docker image rm ${names} && docker image prune && docker pull ${names}`,
  });
}
