/** Says of a damaged archive what its own bytes tell of the damage. */
import { BundleError, isBundleError } from '../../ground/errors.ts';
import { readFully } from '../../file/read-chunks.ts';
import type { VirtualFile } from '../../file/virtual-file.ts';
import { explainChangedBytes } from '../../format/tar/explain-changed-bytes.ts';

/** Bytes of the start that are looked at: compressed ones have some hundred line ends there. */
const sampleSize = 64 * 1024;

const codes = [
  'archive-corrupt',
  'archive-truncated',
  'xz-corrupt',
  'xz-truncated',
  'xz-unsupported',
] as const;

/** The result of `action`, which reads `file`; an error of damaged data says what has happened to the file, where that shows. */
export async function explainingDamage<T>(file: VirtualFile, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!isBundleError(error, ...codes)) throw error;
    const start = Buffer.alloc(Math.min(sampleSize, file.size));
    await readFully(file, start, 0);
    throw explain(error, start);
  }
}

/** The same for `source`, which `action` reads as it is given. */
export async function explainingStreamDamage<T>(
  source: AsyncIterable<Uint8Array>,
  action: (source: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const parts: Uint8Array[] = [];
  async function* watched(): AsyncGenerator<Uint8Array, void, undefined> {
    let size = 0;
    for await (const chunk of source) {
      if (size < sampleSize) parts.push(Buffer.from(chunk.subarray(0, sampleSize - size)));
      size += chunk.length;
      yield chunk;
    }
  }
  try {
    return await action(watched());
  } catch (error) {
    if (!isBundleError(error, ...codes)) throw error;
    throw explain(error, Buffer.concat(parts));
  }
}

function explain(error: BundleError, start: Uint8Array): BundleError {
  const hint = explainChangedBytes(start);
  return hint === undefined ? error : new BundleError(error.code, error.message, { cause: error, hint });
}
