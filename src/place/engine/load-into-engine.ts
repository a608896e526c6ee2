/** Loads a bundle into a Docker engine, and does not believe that it arrived before it has looked. */
import { Readable } from 'node:stream';
import { type DiffId, type Digest, hexOf } from '../../ground/digest.ts';
import { BundleError, describeError, hintLines, isBundleError } from '../../ground/errors.ts';
import type { VirtualFile } from '../../file/virtual-file.ts';
import { describeImage, type Image } from '../../image/image.ts';
import { canLoadWithoutLayers, type EngineKind } from '../../image/engine-kinds.ts';
import { familiarName } from '../../image/reference.ts';
import { findSpareLayers } from '../../image/spare-layers.ts';
import { checkAnswer, connectEngine, type EngineConnection } from './talk/engine-connection.ts';
import { findEngineEndpoint } from './talk/engine-endpoint.ts';
import { type EngineImage, findEngineImage, listDanglingIds, listEngineImages } from './engine-image.ts';
import { findEngineKind } from './engine-kind.ts';
import { tryContainer } from './try-container.ts';
import { readLoadMessages } from './load-messages.ts';

export interface LoadIntoEngineOptions {
  /** `unix:///path`, `tcp://host:port` or `ssh://user@host`; the one that the docker command would use where left out. */
  readonly host?: string;
  /** By the digest of an image's config, that of its manifest in the bundle: the id that a containerd image store gives it. */
  readonly manifestDigests?: ReadonlyMap<Digest, Digest>;
  /** The bundle without these layers, for an engine that has them; all of it is sent where this is left out. */
  readonly openWithout?: (omitted: ReadonlySet<DiffId>) => VirtualFile;
  readonly signal?: AbortSignal;
  /** Called with bytes sent; not at all where nothing had to be. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface LoadedImage {
  /** As docker shows it; the start of its config's digest for an untagged image. */
  readonly name: string;
  /** The id that the engine gives it. */
  readonly id: string;
  readonly status: 'loaded' | 'already there';
}

/** One name of an image; an untagged image has one entry, too. */
interface Entry {
  readonly image: Image;
  readonly tag: string | undefined;
}

interface Target {
  readonly connection: EngineConnection;
  /** undefined where it does not say how it keeps images. */
  readonly kind: EngineKind | undefined;
  /** By the digest of an image's config, as of LoadIntoEngineOptions. */
  readonly manifestDigests: ReadonlyMap<Digest, Digest>;
  readonly signal: AbortSignal | undefined;
}

/**
 * Sends `tar`, the uncompressed bundle of `images`, and then looks at each of them (docs/decisions/0007). Sends nothing
 * where all are there already, as the digests of their configs or manifests tell, and with `openWithout` no layers that
 * the engine has, where its kind can do without them (src/image/engine-kinds.ts). Returns an entry for each tag. Throws load-failed,
 * invalid-argument, source-unreachable, source-failed, what reading `tar` throws, and the signal's reason.
 */
export async function loadIntoEngine(
  tar: VirtualFile,
  images: readonly Image[],
  { host, manifestDigests = new Map(), openWithout, signal, onProgress }: LoadIntoEngineOptions = {},
): Promise<LoadedImage[]> {
  const endpoint = await findEngineEndpoint(host === undefined ? {} : { host });
  const connection = await connectEngine(endpoint, signal && { signal });
  try {
    const kind = await findEngineKind(connection, signal && { signal });
    const target = { connection, kind, manifestDigests, signal };
    const entries = images.flatMap((image) =>
      (image.tags.length > 0 ? image.tags : [undefined]).map((tag) => ({ image, tag })),
    );
    const before = await mapInOrder(entries, (entry) => findEntry(target, entry));
    const areThere = entries.every(({ image }, index) => {
      const found = before[index];
      return found !== undefined && idsOf(target, image).includes(found.id) && hasLayersOf(found, image);
    });
    const said = areThere ? '' : await sendLacking(target, tar, images, openWithout, onProgress);
    return await mapInOrder(entries, async (entry, index): Promise<LoadedImage> => {
      const { id } = await checkEntry(target, entry, said);
      return { name: nameOf(entry), id, status: before[index]?.id === id ? 'already there' : 'loaded' };
    });
  } finally {
    connection.close();
  }
}

/** What the engine may call the image by: its config, or its manifest in the bundle. */
function idsOf({ kind, manifestDigests }: Target, { configDigest }: Image): (Digest | undefined)[] {
  if (kind === undefined) return [configDigest, manifestDigests.get(configDigest)];
  return [kind === 'containerd-store' ? manifestDigests.get(configDigest) : configDigest];
}

/** Sends `tar` without the layers that the engine has, by chain, or all of it to engines that want all. */
async function sendLacking(
  target: Target,
  tar: VirtualFile,
  images: readonly Image[],
  openWithout: LoadIntoEngineOptions['openWithout'],
  onProgress: LoadIntoEngineOptions['onProgress'],
): Promise<string> {
  const { connection, kind, signal } = target;
  if (openWithout === undefined || !canLoadWithoutLayers(kind)) return sendTar(target, tar, onProgress);
  const present = await listEngineImages(connection, { isOptional: true, signal });
  const omitted = findSpareLayers(images, present);
  if (omitted.size === 0) return sendTar(target, tar, onProgress);
  let said: string;
  try {
    said = await sendTar(target, openWithout(omitted), onProgress);
  } catch (error) {
    // Somebody may have removed images since they were listed, or the engine is none of its kind after all.
    if (!isBundleError(error, 'load-failed')) throw error;
    return sendTar(target, tar, onProgress);
  }
  try {
    for (const image of images) await checkContainer(target, image);
    return said;
  } catch (error) {
    // Where a proxy denies the look at what came of it, all layers are sent, and there is no such question.
    if (!isBundleError(error, 'access-denied')) throw error;
    return await sendTar(target, tar, onProgress);
  }
}

/** Whether what was there and what was sent make an image that can be used. */
async function checkContainer({ connection, signal }: Target, image: Image): Promise<void> {
  try {
    await tryContainer(connection, image.configDigest, signal && { signal });
  } catch (error) {
    signal?.throwIfAborted();
    if (isBundleError(error, 'access-denied')) throw error;
    throw new BundleError(
      'load-failed',
      `Cannot load "${describeImage(image)}" into ${connection.description}: ${describeError(error)}`,
      { cause: error, hint: 'Remove what the engine has of it (docker image rm), and load again.' },
    );
  }
}

/** What the engine has under the entry's name, or has of an image without a name. */
async function findEntry(target: Target, { image, tag }: Entry): Promise<EngineImage | undefined> {
  const { connection, kind } = target;
  const options = target.signal && { signal: target.signal };
  if (tag !== undefined) return findEngineImage(connection, tag, options);
  const known = await findEngineImage(connection, image.configDigest, options);
  if (known !== undefined || (kind !== undefined && kind !== 'containerd-store')) return known;
  // In containerd's store ids are digests of manifests, which say nothing of the config; its layers have to do.
  for (const id of await listDanglingIds(connection, options)) {
    const found = await findEngineImage(connection, id, options);
    if (found !== undefined && hasLayersOf(found, image)) return found;
  }
  return undefined;
}

async function checkEntry(target: Target, entry: Entry, said: string): Promise<EngineImage> {
  const found = await findEntry(target, entry);
  if (found === undefined) throw loadFailed(target, entry, 'it does not have it now', said);
  if (!hasLayersOf(found, entry.image)) {
    const layers = `it has ${found.layers.length} layers there, not the ${entry.image.layers.length} of the bundle`;
    throw loadFailed(target, entry, layers, said, found.layers.length === 0);
  }
  const { kind } = target;
  const isIdOfConfig = kind === undefined ? found.isContainerd === false : kind !== 'containerd-store';
  if (isIdOfConfig && found.id !== entry.image.configDigest) {
    throw loadFailed(target, entry, `it is ${found.id} there, not ${entry.image.configDigest}`, said);
  }
  return found;
}

function hasLayersOf(found: EngineImage, image: Image): boolean {
  return (
    found.layers.length === image.layers.length &&
    found.layers.every((layer, index) => layer === image.layers[index])
  );
}

/** Returns what the engine said, which is empty for a silent one. */
async function sendTar(
  { connection, signal }: Target,
  tar: VirtualFile,
  onProgress: LoadIntoEngineOptions['onProgress'],
): Promise<string> {
  let readFault: { readonly error: unknown } | undefined;
  async function* content(): AsyncGenerator<Uint8Array, void, undefined> {
    let done = 0;
    try {
      for await (const chunk of tar.stream(signal && { signal })) {
        yield chunk;
        done += chunk.length;
        onProgress?.(done, tar.size);
      }
    } catch (error) {
      readFault = { error };
      throw error;
    }
  }
  const body = Readable.from(content(), { objectMode: false });
  const request = {
    what: 'load the bundle',
    method: 'POST',
    path: '/images/load',
    query: { quiet: '1' },
    body,
    signal,
  } as const;
  try {
    const answer = await connection.send(request);
    await checkAnswer(connection, request, answer);
    const { error, said } = await readLoadMessages(answer.body);
    if (error === undefined) return said;
    throw new BundleError('load-failed', `Cannot load the bundle into ${connection.description}: ${error}`);
  } catch (error) {
    signal?.throwIfAborted();
    // A body that breaks makes the request fail for a reason that says less.
    if (readFault !== undefined) throw readFault.error;
    if (isBundleError(error, 'load-failed')) throw error;
    throw new BundleError(
      'load-failed',
      isBundleError(error)
        ? error.message
        : `Cannot load the bundle into ${connection.description}: ${describeError(error)}`,
      { cause: error, hint: isBundleError(error) ? hintLines(error) : undefined },
    );
  } finally {
    body.destroy();
  }
}

function nameOf({ image, tag }: Entry): string {
  return tag === undefined ? hexOf(image.configDigest).slice(0, 12) : familiarName(tag);
}

/** `isHollow`: the engine has made a name of an image that it could not unpack. */
function loadFailed(
  { connection }: Target,
  { image, tag }: Entry,
  found: string,
  said: string,
  isHollow = false,
): BundleError {
  const name = tag === undefined ? describeImage(image) : familiarName(tag);
  const hints = [
    ...(said === '' ? [] : [`The engine said: ${said}`]),
    ...(isHollow ? [`What it has under this name cannot be used: docker image rm ${name}`] : []),
  ];
  return new BundleError('load-failed', `Cannot load "${name}" into ${connection.description}: ${found}`, {
    hint: hints.length > 0 ? hints : undefined,
  });
}

/** One after the other: an engine is asked about hundreds of names in no time, and not all at once. */
async function mapInOrder<T, R>(
  items: readonly T[],
  action: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (const [index, item] of items.entries()) results.push(await action(item, index));
  return results;
}
