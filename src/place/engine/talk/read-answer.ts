/** Reads what an engine answers. */
import * as z from 'zod';
import { checkShape } from '../../../ground/explain-shape.ts';

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
  const shaped = checkShape(value, schema);
  if (shaped.isRight) return shaped.data;
  throw new Error(`in its answer, ${shaped.fault}`, { cause: shaped.cause });
}

/** What a refusal says: engines write `{"message": …}`, proxies plain text or HTML. One line; empty where it says nothing. */
export function describeRefusal(text: string): string {
  const message =
    findMessage(text) ?? (text.trimStart().startsWith('<') ? text.replace(/<[^>]*>/g, ' ') : text);
  return message.replace(/\s+/g, ' ').trim().slice(0, 500);
}

/**
 * Whether an answer of this status, other than 200, says that a request is not let through to the engine: engines have
 * no such statuses, but for what an authorization plugin denies, and say in JSON that something is not found.
 */
export function isDenial(status: number, text: string): boolean {
  return [401, 403, 405, 407, 501].includes(status) || (status === 404 && findMessage(text) === undefined);
}

function findMessage(text: string): string | undefined {
  return z.object({ message: z.string() }).safeParse(findJson(text)).data?.message;
}

function findJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
