/** Images of a Docker engine: asked about by inspect, and exported only where something of them is not known yet. */
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { type DiffId, type Digest, isDigest } from '../../digest.ts';
import { BundleError, describeError, isBundleError } from '../../errors.ts';
import { createImage } from '../../image/create-image.ts';
import { parseForeignJson } from '../../image/foreign-json.ts';
import { imageNotFound } from '../../image/image-not-found.ts';
import type { Image } from '../../image/image.ts';
import { familiarName, formatName, type Reference } from '../../image/reference.ts';
import { readDockerArchiveStream } from '../docker-archive/read-docker-archive-stream.ts';
import type { ImageSource, LayerSink, ReadImagesOptions } from '../image-source.ts';
import {
  connectEngine,
  type ConnectEngineOptions,
  type EngineClient,
  engineFailed,
  isBeforeVersion,
} from './engine-client.ts';

/** From this version on, engines with graph drivers leak layers when several images are saved in one call (docs/decisions/0006). */
const leakingApiVersion = '1.44';
const listedNameCount = 5;

const inspectSchema = z.object({
  Id: z.string().refine(isDigest, 'no image id'),
  Size: z.number().nullish(),
  RootFS: z.object({ Layers: z.array(z.string()).nullish() }).nullish(),
});

/** One image of the engine, with all the names it was asked for by. */
interface WantedImage {
  readonly id: Digest;
  readonly tags: string[];
  readonly layers: readonly string[];
  /** Bytes, as the engine estimates them. */
  readonly size: number;
}

/** The images of the engine that `options` name. Throws source-unreachable, source-failed, invalid-argument. */
export async function openEngineSource(options: ConnectEngineOptions = {}): Promise<ImageSource> {
  const client = await connectEngine(options);
  return {
    description: client.description,
    async readImages(references, sink, readOptions = {}) {
      if (references.length === 0) throw await noneNamed(client);
      const wanted = await findImages(client, references);
      const found = new Map<Digest, Image>();
      for (const image of wanted) {
        const known = await findKnownImage(image, sink);
        if (known !== undefined) found.set(image.id, known);
      }
      const unknown = wanted.filter(({ id }) => !found.has(id));
      for (const [id, image] of await exportImages(client, unknown, sink, readOptions)) found.set(id, image);
      return wanted.flatMap(({ id }) => found.get(id) ?? []);
    },
    close: () => Promise.resolve(),
  };
}

async function findImages(client: EngineClient, references: readonly Reference[]): Promise<WantedImage[]> {
  const wanted = new Map<Digest, WantedImage>();
  for (const reference of references) {
    const inspected = await inspectImage(client, reference);
    if (inspected === undefined) throw imageNotFound(reference, client.description, await listNames(client));
    const image = wanted.get(inspected.id) ?? inspected;
    if (reference.kind === 'name') image.tags.push(formatName(reference));
    wanted.set(image.id, image);
  }
  return [...wanted.values()];
}

async function inspectImage(
  { docker, description }: EngineClient,
  reference: Reference,
): Promise<WantedImage | undefined> {
  try {
    const answer: unknown = await docker.getImage(engineName(reference)).inspect();
    const bytes = Buffer.from(JSON.stringify(answer));
    const { Id, Size, RootFS } = parseForeignJson(
      bytes,
      inspectSchema,
      `what the ${description} says of "${reference.text}"`,
    );
    return { id: Id, tags: [], layers: RootFS?.Layers ?? [], size: Size ?? 0 };
  } catch (error) {
    if (isBundleError(error)) throw error;
    if (hasStatus(error, 404)) return undefined;
    throw engineFailed(description, error);
  }
}

function engineName(reference: Reference): string {
  switch (reference.kind) {
    case 'name':
      return formatName(reference);
    case 'digest':
      return `${reference.repository}@${reference.digest}`;
    case 'id':
      return reference.idPrefix;
  }
}

/** The image, where its config is kept from an earlier export and the sink has all of its layers. */
async function findKnownImage(
  { id, tags, layers }: WantedImage,
  sink: LayerSink,
): Promise<Image | undefined> {
  const config = await sink.findConfig(id);
  if (config === undefined) return undefined;
  const image = createImage(config, tags);
  if (!isSameChain(image.layers, layers)) return undefined;
  for (const diffId of image.layers) if (!(await sink.hasLayer(diffId))) return undefined;
  return image;
}

async function exportImages(
  client: EngineClient,
  wanted: readonly WantedImage[],
  sink: LayerSink,
  { signal, onRead }: ReadImagesOptions,
): Promise<Map<Digest, Image>> {
  const total = wanted.reduce((sum, { size }) => sum + size, 0);
  let doneBefore = 0;
  const found = new Map<Digest, Image>();
  for (const batch of chooseBatches(client, wanted)) {
    let done = 0;
    const images = await exportBatch(client, batch, sink, {
      ...(signal && { signal }),
      onRead(count) {
        done = count;
        onRead?.(doneBefore + done, Math.max(total, doneBefore + done));
      },
    });
    doneBefore += done;
    for (const image of batch)
      found.set(image.id, await claimImage(client, image, images, batch.length === 1, sink));
  }
  return found;
}

/**
 * Old engines write layers that images share once when all are saved in one call. Newer ones leak them then, and in
 * containerd's store an export does not tell which image is which.
 */
function chooseBatches(client: EngineClient, wanted: readonly WantedImage[]): (readonly WantedImage[])[] {
  const isOneCall = !client.hasContainerdStore && isBeforeVersion(client.engineApiVersion, leakingApiVersion);
  if (isOneCall) return wanted.length > 0 ? [wanted] : [];
  return wanted.map((image) => [image]);
}

/** By id, so that a tag that moves meanwhile changes nothing. */
async function exportBatch(
  { docker, description }: EngineClient,
  batch: readonly WantedImage[],
  sink: LayerSink,
  options: ReadImagesOptions,
): Promise<readonly Image[]> {
  const { signal } = options;
  const label = `the export of ${batch.map(describeWanted).join(', ')}`;
  let stream: Readable | undefined;
  try {
    stream = await requestExport(
      docker,
      batch.map(({ id }) => id),
      signal,
    );
    const opened = stream;
    const release = (): void => void opened.destroy();
    return await readDockerArchiveStream(opened, [], sink, { ...options, label, release });
  } catch (error) {
    signal?.throwIfAborted();
    if (isBundleError(error)) throw error;
    throw stream === undefined
      ? engineFailed(description, error)
      : new BundleError(
          'source-failed',
          `Cannot read ${label}: the engine broke off (${describeError(error)})`,
          {
            cause: error,
            hint: 'Run the command again; what was encoded so far is kept.',
          },
        );
  }
}

/** dockerode itself saves one image a call only. */
function requestExport(
  docker: EngineClient['docker'],
  names: readonly string[],
  signal?: AbortSignal,
): Promise<Readable> {
  return new Promise((resolve, reject) => {
    docker.modem.dial(
      {
        path: '/images/get?',
        method: 'GET',
        isStream: true,
        options: { _query: { names } },
        statusCodes: { 200: true, 400: 'bad parameter', 404: 'no such image', 500: 'server error' },
        ...(signal && { abortSignal: signal }),
      },
      (error: unknown, stream: unknown) => {
        if (error === null || error === undefined) resolve(stream as Readable);
        else reject(error instanceof Error ? error : new Error(describeError(error)));
      },
    );
  });
}

/** The image of an export that is the wanted one, checked against what inspect said of it, and kept for the next time. */
async function claimImage(
  { hasContainerdStore, description }: EngineClient,
  wanted: WantedImage,
  exported: readonly Image[],
  isAlone: boolean,
  sink: LayerSink,
): Promise<Image> {
  const name = describeWanted(wanted);
  const image =
    exported.find(({ configDigest }) => configDigest === wanted.id) ?? (isAlone ? exported[0] : undefined);
  if (image === undefined || (!hasContainerdStore && image.configDigest !== wanted.id)) {
    throw new BundleError(
      'config-mismatch',
      `Cannot take ${name}: the ${description} exported another image than ${wanted.id}`,
    );
  }
  if (!isSameChain(image.layers, wanted.layers)) {
    throw new BundleError(
      'layer-mismatch',
      `Cannot take ${name}: the ${description} exported other layers than it said`,
      {
        hint: 'Was the image replaced meanwhile? Run the command again.',
      },
    );
  }
  await sink.keepConfig(wanted.id, image.config);
  return createImage(image.config, wanted.tags);
}

function describeWanted({ id, tags }: WantedImage): string {
  const [tag] = tags;
  return tag === undefined ? id.slice(7, 19) : familiarName(tag);
}

function isSameChain(found: readonly DiffId[], wanted: readonly string[]): boolean {
  return found.length === wanted.length && found.every((diffId, index) => diffId === wanted[index]);
}

async function listNames({ docker, description }: EngineClient): Promise<string[]> {
  try {
    return (await docker.listImages())
      .flatMap((image) => image.RepoTags ?? [])
      .filter((tag) => tag !== '<none>:<none>');
  } catch (error) {
    throw engineFailed(description, error);
  }
}

async function noneNamed(client: EngineClient): Promise<BundleError> {
  const names = (await listNames(client)).sort();
  const shown = names.slice(0, listedNameCount).join(', ');
  const more = names.length > listedNameCount ? ` and ${names.length - listedNameCount} more` : '';
  return new BundleError(
    'invalid-argument',
    `Cannot choose images of the ${client.description}: no image is named`,
    {
      hint: names.length === 0 ? 'It has no tagged images.' : `It has ${shown}${more}.`,
    },
  );
}

function hasStatus(error: unknown, status: number): boolean {
  return typeof error === 'object' && error !== null && 'statusCode' in error && error.statusCode === status;
}
