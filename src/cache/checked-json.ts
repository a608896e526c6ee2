/** JSON files of the cache: one line with the digest of the rest, so that a flipped bit is a missing file, never a wrong one. */
import { type Digest, digestOf } from '../ground/digest.ts';
import { withCacheErrors } from './cache-error.ts';
import { readOwnFile } from '../disk/own/own-files.ts';
import { writeOwnFile } from '../disk/write-durably.ts';

/** The value in the file at `path`, or undefined where there is none or its digest does not fit. Throws cache-*. */
export async function findCheckedJson(path: string): Promise<unknown> {
  return (await findSummedJson(path))?.value;
}

/** The same with the digest of the file's text. */
export async function findSummedJson(
  path: string,
): Promise<{ readonly value: unknown; readonly digest: Digest } | undefined> {
  return withCacheErrors('read', path, async () => {
    const bytes = await readOwnFile(path);
    if (bytes === undefined) return undefined;
    const end = bytes.indexOf('\n');
    const body = bytes.subarray(end + 1);
    const digest = digestOf(body);
    if (end < 0 || bytes.toString('latin1', 0, end) !== digest) return undefined;
    try {
      return { value: JSON.parse(body.toString()) as unknown, digest };
    } catch (error) {
      if (error instanceof SyntaxError) return undefined; // whoever wrote that, it was none of us
      throw error;
    }
  });
}

/** Writes `value` to `path` durably, by way of the folder `partials`; returns the digest of its text. Throws cache-*. */
export async function writeCheckedJson(path: string, value: unknown, partials: string): Promise<Digest> {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  const digest = digestOf(body);
  const line = Buffer.from(`${digest}\n`);
  await withCacheErrors('write', path, () => writeOwnFile(path, Buffer.concat([line, body]), partials));
  return digest;
}
