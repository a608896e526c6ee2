/** Has an engine export images, and hands their layers to the sink. */
import { BundleError, isBundleError } from '../../ground/errors.ts';
import { createImage, type Image } from '../../image/image.ts';
import { hollowImageHint } from '../archive/layouts/locate-layers.ts';
import { familiarName } from '../../image/reference.ts';
import { readDockerArchiveStream } from '../archive/stream-source.ts';
import type { LayerSink } from '../../image/image-source.ts';
import type { LeaveOut } from '../../image/leave-out.ts';
import type { EngineRequest } from './talk/dial-engine.ts';
import { checkAnswer, type EngineConnection } from './talk/engine-connection.ts';
import { engineFailed } from './talk/engine-error.ts';
import type { WantedImage } from './resolve-references.ts';

export interface ExportImagesOptions {
  /** Whether the engine's ids are the digests of configs. Where they are not, only one image can be exported. */
  readonly isIdOfConfig: boolean;
  readonly signal?: AbortSignal;
  readonly leaveOut?: LeaveOut | undefined;
  /** Called with the bytes of this export so far. */
  readonly onRead?: (done: number) => void;
}

/**
 * Exports `wanted`, at least one, in one call; by id, for a tag may move meanwhile. Returns an image for each, in order,
 * with the layers that the engine names for it; undefined for one that is left out. Throws source-failed, config-*, layer-*, archive-*, and what the sink throws.
 */
export async function exportImages(
  connection: EngineConnection,
  wanted: readonly WantedImage[],
  sink: LayerSink,
  { isIdOfConfig, signal, leaveOut, onRead }: ExportImagesOptions,
): Promise<(Image | undefined)[]> {
  const label = `the export of ${wanted.map(describeWanted).join(', ')}`;
  const request = {
    what: `read ${label}`,
    path: '/images/get',
    query: queryOf(wanted),
    signal,
  };
  const answer = await connection.send(request);
  await checkAnswer(connection, request, answer).catch((error: unknown) => {
    throw explainRefusal(error, wanted);
  });

  async function* content(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of answer.body) yield chunk as Buffer;
    } catch (error) {
      signal?.throwIfAborted();
      throw engineFailed(connection.endpoint, request.what, error);
    }
  }

  let isAnyLeftOut = false;
  try {
    const images = await readDockerArchiveStream(content(), [], sink, {
      label,
      leaveOut(error) {
        if (leaveOut === undefined) throw error;
        leaveOut(error, true); // an engine has images only
        isAnyLeftOut = true;
      },
      signal,
      onRead: (done) => onRead?.(done),
      // An export by id has no names in it.
      fallbackNames: wanted.length === 1 ? (wanted[0]?.tags ?? []) : undefined,
      release: () => answer.body.destroy(),
    });
    return wanted.map((one) => {
      const exported = findExported(one, images, isIdOfConfig);
      if (exported === undefined && isAnyLeftOut) return undefined;
      return createImage(checkExported(one, exported).config, one.tags);
    });
  } catch (error) {
    throw toSourceError(error, wanted);
  }
}

function queryOf(wanted: readonly WantedImage[]): NonNullable<EngineRequest['query']> {
  const names = wanted.map(({ exportId }) => exportId);
  const [first] = wanted;
  if (first?.isOneOfSeveral !== true) return { names };
  return { names, platform: JSON.stringify(first.platform) };
}

/** The image's short name, or the start of its id where it was asked for by that. */
export function describeWanted({ id, tags: [tag] }: WantedImage): string {
  return tag === undefined ? id.slice('sha256:'.length, 19) : familiarName(tag);
}

/** In containerd's store the id does not name the config, but the export holds this image alone. */
function findExported(
  wanted: WantedImage,
  exported: readonly Image[],
  isIdOfConfig: boolean,
): Image | undefined {
  if (isIdOfConfig) return exported.find(({ configDigest }) => configDigest === wanted.id);
  return exported.find(({ layers }) => hasSameLayers(layers, wanted.layers)) ?? exported[0];
}

function checkExported(wanted: WantedImage, image: Image | undefined): Image {
  const name = describeWanted(wanted);
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

/** Engines with graph drivers say "empty export - not implemented" and not of which image (moby image/tarexport/save.go). */
function explainRefusal(error: unknown, wanted: readonly WantedImage[]): unknown {
  const bare = wanted.find(({ layers }) => layers.length === 0);
  if (!isBundleError(error) || bare === undefined) return error;
  return new BundleError(error.code, error.message, {
    cause: error,
    hint: `${describeWanted(bare)} has no layers, and an engine with a graph driver cannot export such an image. Leave it out.`,
  });
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
  const [image = 'IMAGE'] = wanted.length === 1 ? wanted.map(describeWanted) : [];
  return new BundleError(error.code, error.message, { cause: error, hint: hollowImageHint(image) });
}
