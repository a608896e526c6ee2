/** Whether an engine can make a container of an image: it may list one in full whose layers it never unpacked. */
import { Readable } from 'node:stream';
import * as z from 'zod';
import type { Digest } from '../../ground/digest.ts';
import { type EngineConnection, checkAnswer } from './talk/engine-connection.ts';
import { parseAnswer, readText } from './talk/read-answer.ts';

const createdSchema = z.object({ Id: z.string() });

/**
 * Makes a container of the image `id`, without starting it, and removes it again. Throws source-failed with the engine's
 * reason where it cannot.
 */
export async function tryContainer(
  connection: EngineConnection,
  id: Digest,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  const wish = { Image: id, Cmd: ['true'], HostConfig: { NetworkMode: 'none' } };
  const create = {
    what: `make a container of ${id.slice(7, 19)}`,
    method: 'POST',
    path: '/containers/create',
    body: Readable.from([Buffer.from(JSON.stringify(wish))]),
    contentType: 'application/json',
    signal,
  } as const;
  const made = await connection.send(create);
  await checkAnswer(connection, create, made);
  const { Id } = parseAnswer(await readText(made.body), createdSchema);
  // Also when the signal has fired meanwhile: it must not stay.
  const remove = {
    what: 'remove a container',
    method: 'DELETE',
    path: `/containers/${Id}`,
    query: { v: '1' },
  } as const;
  const removed = await connection.send(remove);
  await checkAnswer(connection, remove, removed);
  removed.body.resume();
}
