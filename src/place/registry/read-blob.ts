/** Reads a blob of a registry front to back, through connections that break. */
import { type Digest, finishDigest, startDigest } from '../../ground/digest.ts';
import { BundleError } from '../../ground/errors.ts';
import { foreignLayerMissing } from '../../image/oci-descriptor.ts';
import { isTransient, readChunks } from './talk/exchange.ts';
import { registryLimits } from './talk/limits.ts';
import { pullScope } from './manifests.ts';
import type { RegistryClient, RegistryRequest } from './talk/registry-client.ts';
import { registryFailed } from './talk/registry-error.ts';
import { findDelayMs } from './talk/retry.ts';

export interface WantedBlob {
  /** Of the repository. */
  readonly path: string;
  readonly digest: Digest;
  /** What its descriptor says; undefined where that says nothing. */
  readonly size: number | undefined;
  /** For messages: `layer 3 of shop/web:1`. */
  readonly label: string;
  /** Of a foreign layer: where else it is offered. */
  readonly foreignUrls?: readonly string[] | undefined;
}

export interface ReadBlobOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the count of bytes so far. */
  readonly onRead?: (done: number) => void;
}

/**
 * The bytes of `blob`, each once and in order: where a connection breaks, the next one goes on behind the last byte that
 * was handed out. Connections in a row that brought next to nothing count as failures, whatever they brought. Once all are handed out, throws layer-mismatch where they are not what the digest names; at once, where
 * there are more than the descriptor says. Throws layer-missing, and what the client throws.
 */
export async function* readBlob(
  client: RegistryClient,
  blob: WantedBlob,
  { signal, onRead }: ReadBlobOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { digest, size, label } = blob;
  const hash = startDigest();
  let done = 0;
  let failures = 0;
  for (let isWhole = false; !isWhole;) {
    const { status, headers, body } = await client.send(requestOf(blob, done, signal));
    if (status === 404) throw blobMissing(client, blob);
    // A registry that cannot go on in the middle sends what was had already.
    let fresh = 0;
    let skip = Math.max(0, done - (status === 206 ? startOf(headers['content-range']) : 0));
    try {
      for await (const chunk of readChunks(body, client.patienceMs)) {
        const rest = chunk.subarray(Math.min(skip, chunk.length));
        skip -= chunk.length - rest.length;
        if (rest.length === 0) continue;
        done += rest.length;
        if (size !== undefined && done > size) throw wrongSize(client, blob, `more than ${size} bytes came`);
        fresh += rest.length;
        if (fresh >= registryLimits.leastSize) failures = 0;
        hash.update(rest);
        onRead?.(done);
        yield rest;
      }
      if (size !== undefined && done < size) throw brokenOff();
      isWhole = true;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof BundleError) throw error;
      if (done === size) break;
      const failure = registryFailed(
        { host: client.host, what: `read ${label}`, code: client.failureCode },
        error,
      );
      const delayMs = isTransient(error, true) ? findDelayMs(client.retry, (failures += 1)) : undefined;
      if (delayMs === undefined) throw failure;
      await client.retry.wait(delayMs, signal);
    }
  }
  const found = finishDigest(hash);
  if (found !== digest) throw wrongSize(client, blob, `its ${done} bytes hash to ${found}`);
}

function requestOf(
  { path, digest, label }: WantedBlob,
  done: number,
  signal: AbortSignal | undefined,
): RegistryRequest {
  return {
    what: `read ${label}`,
    path: `/v2/${path}/blobs/${digest}`,
    scopes: [pullScope(path)],
    // Compressed on the way, bytes could not be counted.
    headers: { 'Accept-Encoding': 'identity', ...(done > 0 && { Range: `bytes=${done}-` }) },
    wanted: [200, 206, 404],
    signal,
  };
}

/** Where a part starts (RFC 9110 §14.4). */
function startOf(contentRange: string | undefined): number {
  return Number(/^bytes (\d+)-/.exec(contentRange ?? '')?.[1] ?? 0);
}

/** A connection that ends in order, but too early. */
function brokenOff(): Error {
  return Object.assign(new Error('it hung up'), { code: 'ECONNRESET' });
}

function wrongSize({ host }: RegistryClient, { digest, label }: WantedBlob, fault: string): BundleError {
  return new BundleError(
    'layer-mismatch',
    `Cannot take ${label} of ${host}: ${fault}, ${digest} was wanted`,
    {
      hint: 'The registry, or a cache in between, has damaged it, and nothing of it was kept. Push the image again.',
    },
  );
}

function blobMissing({ host }: RegistryClient, { digest, label, foreignUrls }: WantedBlob): BundleError {
  if (foreignUrls !== undefined) return foreignLayerMissing(label, `registry ${host}`, foreignUrls);
  return new BundleError('layer-missing', `Cannot take ${label}: ${host} does not have its blob ${digest}`, {
    hint: 'The image was not pushed whole, or a part of it was removed. Push it again.',
  });
}
