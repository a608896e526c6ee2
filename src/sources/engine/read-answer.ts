/** Reads what an engine answers. */
import { z } from 'zod';

/** An answer is held in memory; a list of all images has a few hundred bytes for each. */
const largestAnswerSize = 64 * 1024 * 1024;

/** All of `body`. Throws what the socket throws, and Error where it is far too long. */
export async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > largestAnswerSize) throw new Error(`its answer has more than ${largestAnswerSize} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The value that `text` is, as `schema` has it. Throws Error, which says what is wrong behind "Cannot …:". */
export function parseAnswer<T>(text: string, schema: z.ZodType<T>): T {
  const value = findJson(text);
  if (value === undefined) throw new Error('its answer is not JSON');
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const place = result.error.issues[0]?.path.map(String).join('.') ?? '';
  throw new Error(`its answer has an unexpected "${place}"`, { cause: result.error });
}

/** What a refusal says: engines write `{"message": …}`, proxies plain text or HTML. One line; empty where it says nothing. */
export function describeRefusal(text: string): string {
  const message = z.object({ message: z.string() }).safeParse(findJson(text)).data?.message ?? text;
  return message.replace(/\s+/g, ' ').trim().slice(0, 500);
}

function findJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
