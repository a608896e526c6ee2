/** Reads what an engine says while it loads images: JSON objects, one behind the other (moby pkg/jsonmessage). */
import * as z from 'zod';

const messageSchema = z.object({
  stream: z.string().optional(),
  error: z.string().optional(),
  errorDetail: z.object({ message: z.string().optional() }).optional(),
});

/** Of what the engine says, for messages. */
const keptLength = 1000;
/** Far above any message; without it an answer without line ends would be held in memory. */
const longestLine = 1024 * 1024;
/** Of all messages together, in bytes: those of the progress of a load of a week. */
const mostOutput = 1024 * 1024 * 1024;

/** Errors come behind status 200. */
export interface LoadMessages {
  /** The engine's own error, or undefined where it did not report any as one. */
  readonly error: string | undefined;
  /** The last it said otherwise, in lines: the containerd image store reports errors there. May be empty. */
  readonly said: string;
}

/** Reads `body` to its end. Throws what the socket throws, and Error for what is no such message. */
export async function readLoadMessages(body: AsyncIterable<Uint8Array>): Promise<LoadMessages> {
  let error: string | undefined;
  let said = '';
  for await (const line of readLines(body)) {
    const message = parseMessage(line);
    error ??= (message.errorDetail?.message ?? message.error)?.slice(0, keptLength);
    said = (said + (message.stream ?? '')).slice(-keptLength);
  }
  return { error, said: said.trim() };
}

async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > mostOutput) throw new Error('its messages have no end');
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > longestLine) throw new Error('its answer is not a list of messages');
    yield* lines.filter((line) => line.trim() !== '');
  }
  if (rest.trim() !== '') yield rest;
}

function parseMessage(line: string): z.infer<typeof messageSchema> {
  try {
    return messageSchema.parse(JSON.parse(line));
  } catch (error) {
    throw new Error(`its answer has an unexpected "${line.trim().slice(0, 100)}"`, { cause: error });
  }
}
