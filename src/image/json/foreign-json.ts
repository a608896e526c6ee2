/** Parses JSON that others wrote: lenient about what bundlefs does not know, strict about what it relies on. */
import * as z from 'zod';
import { BundleError } from '../../ground/errors.ts';
import { checkShape } from '../../ground/explain-shape.ts';
import { foldCase } from './go-json.ts';

const hint = 'It is damaged, or another program wrote it wrongly. Have it written again.';

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
  const shaped = checkShape(value, schema, path);
  if (shaped.isRight) return shaped.data;
  const { fault, cause } = shaped;
  throw new BundleError('archive-corrupt', `Cannot read ${what}: ${fault}`, { cause, hint });
}

/**
 * An object with these fields as Go reads it into a struct: their keys count in whatever case, and a null is as if its key
 * was not there. All engines read what describes images this way.
 */
export function goObject<Shape extends z.ZodRawShape>(shape: Shape): z.ZodType<z.output<z.ZodObject<Shape>>> {
  const names = new Map(Object.keys(shape).map((name) => [foldCase(name), name]));
  return z.preprocess((value) => nameAsGo(value, names), z.object(shape));
}

function nameAsGo(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const found: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(value) as [string, unknown][]) {
    const name = names.get(foldCase(key));
    if (name !== undefined && entry !== null) found[name] = entry;
  }
  return found;
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
    throw new BundleError('archive-corrupt', `Cannot read ${what}: it is not JSON`, { cause: error, hint });
  }
}
