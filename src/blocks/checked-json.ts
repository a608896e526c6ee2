/** JSON files of the cache: one line with the digest of the rest, so that a flipped bit is a missing file, never a wrong one. */
import { digestOf } from '../digest.ts';
import { withCacheErrors } from './cache-error.ts';
import { readOwnFile } from '../disk/own-files.ts';
import { writeOwnFile } from '../disk/write-durably.ts';

/** The value in the file at `path`, or undefined where there is none or its digest does not fit. Throws cache-*. */
export async function findCheckedJson(path: string): Promise<unknown> {
  return withCacheErrors('read', path, async () => {
    const bytes = await readOwnFile(path);
    if (bytes === undefined) return undefined;
    const end = bytes.indexOf('\n');
    const body = bytes.subarray(end + 1);
    if (end < 0 || bytes.toString('latin1', 0, end) !== digestOf(body)) return undefined;
    return JSON.parse(body.toString()) as unknown;
  });
}

/** Writes `value` to `path` durably, by way of the folder `partials`. Throws cache-*. */
export async function writeCheckedJson(path: string, value: unknown, partials: string): Promise<void> {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  const line = Buffer.from(`${digestOf(body)}\n`);
  await withCacheErrors('write', path, () => writeOwnFile(path, Buffer.concat([line, body]), partials));
}
