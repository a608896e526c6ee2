/** Uploads one blob to a registry, and goes on where a broken upload ended. */
import type { Digest } from '../../ground/digest.ts';
import { BundleError, isBundleError } from '../../ground/errors.ts';
import { isTransient } from './talk/exchange.ts';
import { registryLimits } from './talk/limits.ts';
import type { RegistryClient, RegistryRequest, SmallAnswer } from './talk/registry-client.ts';
import { registryFailed } from './talk/registry-error.ts';
import { findDelayMs, findRetryAfterMs, isRetryStatus } from './talk/retry.ts';

export interface Blob {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** For messages: `layer 3 of shop/web:1`. */
  readonly label: string;
  /** Its bytes from `start` on. */
  stream(start: number): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export interface UploadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with how many bytes the registry has been sent; may fall, where it has fewer than were sent. */
  readonly onSent?: (done: number) => void;
}

/** What a token for writing to `path` must allow. */
export function pushScope(path: string): string {
  return `repository:${path}:pull,push`;
}

/** Whether the repository has the blob. Throws what the client throws. */
export async function hasBlob(
  client: RegistryClient,
  path: string,
  { digest, label }: Pick<Blob, 'digest' | 'label'>,
  { signal }: UploadOptions = {},
): Promise<boolean> {
  const { status } = await client.ask({
    what: `look for ${label}`,
    method: 'HEAD',
    path: `/v2/${path}/blobs/${digest}`,
    scopes: [pushScope(path)],
    wanted: [200, 404],
    signal,
  });
  return status === 200;
}

/**
 * Asks the registry to take the blob from another of its repositories, and returns whether it did (distribution-spec,
 * "Mounting a blob from another repository"). Where it cannot, or this login may not read there, nothing has happened.
 */
export async function mountBlob(
  client: RegistryClient,
  path: string,
  from: string,
  { digest, label }: Pick<Blob, 'digest' | 'label'>,
  { signal }: UploadOptions = {},
): Promise<boolean> {
  const query = new URLSearchParams({ mount: digest, from });
  const request: RegistryRequest = {
    what: `mount ${label}`,
    method: 'POST',
    path: `/v2/${path}/blobs/uploads/?${query.toString()}`,
    scopes: [pushScope(path), `repository:${from}:pull`],
    wanted: [201, 202, 400, 404, 405],
    signal,
  };
  const { status } = await client.ask(request).catch((error: unknown) => {
    if (isBundleError(error, 'access-denied')) return { status: 403 };
    throw error;
  });
  return status === 201;
}

/**
 * Sends the blob: one session, one PATCH with all bytes, one PUT that closes it (distribution-spec, "Pushing a blob in
 * chunks"). After a failure the registry is asked how far it came. Throws push-failed, access-denied, what the client
 * and the blob's stream throw.
 */
export async function uploadBlob(
  client: RegistryClient,
  path: string,
  blob: Blob,
  options: UploadOptions = {},
): Promise<void> {
  const { signal, onSent } = options;
  const upload = createUpload(client, path, blob, options);
  let failures = 0;
  let reached = 0;
  for (;;) {
    signal?.throwIfAborted();
    let failure: BundleError;
    let wantedMs: number | undefined;
    try {
      const answer = await upload.send();
      if (answer.status === 201) return;
      failure = client.refuse(upload.request, answer);
      wantedMs = findRetryAfterMs(answer.headers, Date.now());
      // 404 and 416: the session is gone, or has other bytes than was thought.
      if (!isRetryStatus(answer.status) && ![404, 416].includes(answer.status)) throw failure;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof BundleError) throw error;
      failure = registryFailed(
        { host: client.host, what: `send ${blob.label}`, code: client.failureCode },
        error,
      );
      if (!isTransient(error, true)) throw failure;
    }
    const delayMs = findDelayMs(client.retry, (failures += 1), wantedMs);
    if (delayMs === undefined) throw failure;
    await client.retry.wait(delayMs, signal);
    if (await hasBlob(client, path, blob, { signal })) return; // what was lost was only the answer
    const done = await upload.resume();
    onSent?.(done);
    if (done >= reached + registryLimits.leastSize) failures = 0;
    reached = Math.max(reached, done);
  }
}

interface Upload {
  /** What was sent last. */
  readonly request: RegistryRequest;
  /** Sends what is missing; the answer of the last request, 201 where all is well. */
  send(): Promise<SmallAnswer>;
  /** Asks how many bytes have arrived; a new session where the old one is gone. */
  resume(): Promise<number>;
}

function createUpload(
  client: RegistryClient,
  path: string,
  blob: Blob,
  { signal, onSent }: UploadOptions,
): Upload {
  const { digest, size, label } = blob;
  const what = `send ${label}`;
  const common = { what, scopes: [pushScope(path)], signal };
  let location: string | undefined;
  let done = 0;
  let request: RegistryRequest = { ...common, path: `/v2/${path}/blobs/uploads/`, wanted: [202] };

  const start = async (): Promise<string> => {
    const { headers } = await client.ask({
      ...request,
      method: 'POST',
      path: `/v2/${path}/blobs/uploads/`,
      wanted: [202],
    });
    done = 0;
    return readLocation(client, what, headers.location);
  };

  async function* counted(): AsyncGenerator<Uint8Array, void, undefined> {
    let sent = done;
    for await (const chunk of blob.stream(done)) {
      onSent?.((sent += chunk.length));
      yield chunk;
    }
  }

  return {
    get request() {
      return request;
    },
    async send() {
      location ??= await start();
      if (done < size) {
        request = {
          ...common,
          method: 'PATCH',
          path: location,
          headers: { 'Content-Range': `${done}-${size - 1}` },
          body: { type: 'application/octet-stream', size: size - done, stream: counted },
          wanted: [202],
        };
        const answer = await client.askOnce(request);
        if (answer.status !== 202) return answer;
        done = size;
        location = readLocation(client, what, answer.headers.location);
      }
      request = { ...common, method: 'PUT', path: withDigest(location, digest), wanted: [201] };
      return client.askOnce(request);
    },
    async resume() {
      if (location === undefined) return 0;
      const answer = await client.ask({ ...common, path: location, wanted: [200, 204, 404] });
      const end = Number(/^(?:bytes=)?0-(\d+)$/.exec(answer.headers.range ?? '')?.[1] ?? 0);
      // "0-0" is no byte or one.
      if (answer.status === 404 || end === 0 || end >= size) {
        location = await start();
        return 0;
      }
      location =
        answer.headers.location === undefined
          ? location
          : readLocation(client, what, answer.headers.location);
      return (done = end + 1);
    },
  };
}

function readLocation(
  { host, failureCode }: RegistryClient,
  what: string,
  location: string | undefined,
): string {
  if (location !== undefined && location !== '') return location;
  throw new BundleError(failureCode, `Cannot ${what} at ${host}: it does not say where to`, {
    hint: `Is ${host} a registry that can be written to?`,
  });
}

/** The address may have a query already, which is the registry's to know. */
function withDigest(location: string, digest: Digest): string {
  return `${location}${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`;
}
