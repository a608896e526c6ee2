/** Finds the error that an engine wrote into the middle of an export, for by then it has answered 200 already. */
import * as z from 'zod';

/** moby pkg/jsonmessage, as streamformatter.FormatError writes it (api/server/router/image, getImagesGet): one line. */
const engineErrorSchema = z.object({ errorDetail: z.object({ message: z.string() }) });

const errorStart = '{"errorDetail"';

/**
 * The message of the error object that `bytes` end with, or undefined where they end with anything else. Zeros and
 * blanks may follow it: what copies an export to a tape or a disk fills up the last block.
 */
export function findEngineError(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes).toString('utf8');
  const start = text.lastIndexOf(errorStart);
  const found = start < 0 ? undefined : parseLine(text.slice(start));
  return found === undefined || /[^\0\s]/.test(found.rest) ? undefined : found.message;
}

/** The message of the error object that `bytes` start with, whatever follows it; undefined where they start with anything else. */
export function startsWithEngineError(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes).toString('utf8');
  if (!text.startsWith(errorStart)) return undefined;
  return parseLine(text)?.message ?? text.slice(0, 200); // one that is cut off is an error as well
}

function parseLine(text: string): { readonly message: string; readonly rest: string } | undefined {
  const [line = ''] = /^[^\0\r\n]*/.exec(text) ?? [];
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined; // bytes of a layer that happen to look like the start of one
  }
  const message = engineErrorSchema.safeParse(value).data?.errorDetail.message;
  return message === undefined ? undefined : { message, rest: text.slice(line.length) };
}
