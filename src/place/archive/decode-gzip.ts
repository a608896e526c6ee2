/** Decompresses gzip (RFC 1952) with Node's zlib. */
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { BundleError, describeError, findErrno } from '../../ground/errors.ts';

const outputSize = 256 * 1024;

/**
 * The content of one or several gzip members; zeros may follow the last one. Does not close
 * `source`, of which bytes may be left. `what` names it in archive-corrupt and archive-truncated; what `source` throws
 * is thrown as it is.
 */
export async function* decodeGzip(
  source: AsyncIterable<Uint8Array>,
  what: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const input = Readable.from(withoutReturn(source), { objectMode: false });
  const decoder = createGunzip({ chunkSize: outputSize });
  pipeline(input, decoder, () => undefined); // errors of both are thrown by reading the decoder
  try {
    for await (const chunk of decoder) yield chunk as Buffer;
  } catch (error) {
    throw toArchiveError(error, what);
  } finally {
    decoder.destroy();
    input.destroy();
  }
}

/** Hides `return`, by which Node would close the source when the last gzip member ends before it does. */
function withoutReturn(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  return { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) };
}

function toArchiveError(error: unknown, what: string): unknown {
  const code = findErrno(error);
  if (error instanceof BundleError || code?.startsWith('Z_') !== true) return error;
  if (code === 'Z_BUF_ERROR') {
    return new BundleError('archive-truncated', `Cannot read ${what}: its gzip data ends early`, {
      cause: error,
      hint: 'What wrote it did not finish, or the copy is not whole. Save or copy it again.',
    });
  }
  return new BundleError(
    'archive-corrupt',
    `Cannot read ${what}: its gzip data is damaged (${describeError(error)})`,
    { cause: error },
  );
}
