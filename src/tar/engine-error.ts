/** Finds the error that an engine wrote into the middle of an export, for by then it has answered 200 already. */
import { z } from 'zod';

/** moby pkg/jsonmessage, as streamformatter.FormatError writes it (api/server/router/image, getImagesGet). */
const engineErrorSchema = z.object({ errorDetail: z.object({ message: z.string() }) });

/** The message of the error object that `bytes` end with, or undefined where they end with anything else. */
export function findEngineError(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes).toString('utf8');
  const start = text.lastIndexOf('{"errorDetail"');
  if (start < 0) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text.slice(start));
  } catch {
    return undefined; // bytes of a layer that happen to look like the start of one
  }
  return engineErrorSchema.safeParse(value).data?.errorDetail.message;
}
