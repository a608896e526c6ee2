/** Parses JSON that others wrote: lenient about what bundlefs does not know, strict about what it relies on. */
import type * as z from 'zod';
import { BundleError } from '../../ground/errors.ts';

/**
 * The value of `bytes` as `schema` has it, without the fields that it does not know. Throws archive-corrupt where the
 * bytes are no JSON or have another shape; `what` names them in the message: `"manifest.json" in archive "images.tar"`.
 */
export function parseForeignJson<T>(bytes: Uint8Array, schema: z.ZodType<T>, what: string): T {
  return checkForeignValue(parseJson(bytes, what), schema, what);
}

/** The same for a part of a document, which is at `path` in it. */
export function checkForeignValue<T>(
  value: unknown,
  schema: z.ZodType<T>,
  what: string,
  path: readonly PropertyKey[] = [],
): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const whole = [...path, ...(issue?.path ?? [])];
  const place = whole.length === 0 ? '' : ` at ${formatPath(whole)}`;
  throw new BundleError('archive-corrupt', `Cannot read ${what}: ${issue?.message ?? 'bad shape'}${place}`, {
    cause: result.error,
  });
}

/** Whether `bytes` are one JSON value in UTF-8 or nearly so: readers differ about a byte order mark and bytes that are none. */
export function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder().decode(bytes));
    return true;
  } catch {
    return false;
  }
}

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (error) {
    throw new BundleError('archive-corrupt', `Cannot read ${what}: it is not JSON`, { cause: error });
  }
}

/** `[0].rootfs.diff_ids[2]`. */
function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`,
    )
    .join('');
}
