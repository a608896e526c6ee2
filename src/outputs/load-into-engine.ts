/** Loads a bundle into a Docker engine and does not believe it before it has looked. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { Digest } from '../digest.ts';
import { BundleError, describeError, isBundleError } from '../errors.ts';
import type { VirtualFile } from '../file/virtual-file.ts';
import type { Image } from '../image/image.ts';
import { familiarName } from '../image/reference.ts';
import { connectEngine, type EngineClient } from '../sources/engine/engine-client.ts';

export interface LoadIntoEngineOptions {
  /** `unix:///path`, `tcp://host:port`; the engine of the docker command where left out. */
  readonly host?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface LoadedImage {
  /** As docker shows it; the start of its id for an untagged image. */
  readonly name: string;
  /** The id that the engine gives it. */
  readonly id: string;
  readonly status: 'loaded' | 'already there';
}

type LookedUp =
  | { readonly kind: 'absent' }
  | { readonly kind: 'present'; readonly id: string; readonly layers: readonly string[] };

const inspectSchema = z.object({
  Id: z.string(),
  RootFS: z.object({ Layers: z.array(z.string()).nullish() }).nullish(),
});
const messageSchema = z.object({
  stream: z.string().optional(),
  error: z.string().optional(),
  errorDetail: z.object({ message: z.string() }).optional(),
});

/**
 * Sends `tar`, the uncompressed bundle of `images`, and looks at every image afterwards: an engine may answer 200 and
 * have loaded nothing (facts in docs/decisions/0007). Sends nothing where all images are there already, with the same
 * configs. Throws load-failed, source-unreachable, source-failed and what reading throws.
 */
export async function loadIntoEngine(
  tar: VirtualFile,
  images: readonly Image[],
  options: LoadIntoEngineOptions = {},
): Promise<LoadedImage[]> {
  const client = await connectEngine(options);
  const names = images.flatMap((image) => namesOf(image).map((name) => ({ image, name })));
  const before = await Promise.all(names.map(({ image, name }) => isThere(client, image, name)));
  if (before.includes(false)) await sendTar(client, tar, options);
  return Promise.all(
    names.map(async ({ image, name }, index): Promise<LoadedImage> => {
      const id = await checkLoaded(client, image, name);
      return {
        name: describeName(image, name),
        id,
        status: before[index] === true ? 'already there' : 'loaded',
      };
    }),
  );
}

function namesOf({ tags, configDigest }: Image): readonly string[] {
  return tags.length > 0 ? tags : [configDigest];
}

/** Ids tell only where they are config digests: in containerd's store another config may have the same layers. */
async function isThere(client: EngineClient, image: Image, name: string): Promise<boolean> {
  const found = await lookUp(client, name);
  return found.kind === 'present' && found.id === image.configDigest;
}

async function lookUp({ docker, description }: EngineClient, name: string): Promise<LookedUp> {
  try {
    const { Id, RootFS } = inspectSchema.parse(await docker.getImage(name).inspect());
    return { kind: 'present', id: Id, layers: RootFS?.Layers ?? [] };
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'statusCode' in error && error.statusCode === 404)
      return { kind: 'absent' };
    throw new BundleError('source-failed', `Cannot ask the ${description}: ${describeError(error)}`, {
      cause: error,
    });
  }
}

async function sendTar(
  client: EngineClient,
  tar: VirtualFile,
  options: LoadIntoEngineOptions,
): Promise<void> {
  const { signal, onProgress } = options;
  let readError: unknown;
  async function* counted(): AsyncGenerator<Uint8Array> {
    let done = 0;
    try {
      for await (const chunk of tar.stream(signal ? { signal } : {})) {
        yield chunk;
        done += chunk.length;
        onProgress?.(done, tar.size);
      }
    } catch (error) {
      readError = error;
      throw error;
    }
  }
  const body = Readable.from(counted(), { objectMode: false, highWaterMark: 1024 * 1024 });
  try {
    const answer = await client.docker.loadImage(body, {
      quiet: true,
      ...(signal && { abortSignal: signal }),
    });
    await readAnswer(client, answer);
  } catch (error) {
    signal?.throwIfAborted();
    if (isBundleError(readError)) throw readError;
    if (isBundleError(error)) throw error;
    throw loadFailed(client, describeError(error), error);
  } finally {
    body.destroy();
  }
}

/** Errors come behind status 200, one JSON object a line; containerd's store reports one only as a message. */
async function readAnswer(client: EngineClient, answer: AsyncIterable<string | Buffer>): Promise<void> {
  let text = '';
  for await (const chunk of answer) text += chunk.toString();
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') continue;
    const { stream, error, errorDetail } = messageSchema.parse(JSON.parse(line));
    const fault =
      errorDetail?.message ?? error ?? (/^Error unpacking/.test(stream ?? '') ? stream?.trim() : undefined);
    if (fault !== undefined) throw loadFailed(client, fault);
  }
}

async function checkLoaded(client: EngineClient, image: Image, name: string): Promise<Digest | string> {
  const found = await lookUp(client, name);
  const what = describeName(image, name);
  if (found.kind === 'absent') {
    // In containerd's store an untagged image has no id that could be known here.
    if (image.tags.length === 0 && client.hasContainerdStore) return image.configDigest;
    throw loadFailed(client, `it says that it loaded "${what}", but does not have it`);
  }
  const isSame =
    found.layers.length === image.layers.length &&
    image.layers.every((id, index) => id === found.layers[index]);
  if (isSame) return found.id;
  throw loadFailed(client, `"${what}" has other layers there than in the bundle`);
}

function describeName(image: Image, name: string): string {
  return image.tags.length > 0 ? familiarName(name) : name.slice(7, 19);
}

function loadFailed({ description }: EngineClient, found: string, cause?: unknown): BundleError {
  return new BundleError('load-failed', `Cannot load into the ${description}: ${found}`, { cause });
}
