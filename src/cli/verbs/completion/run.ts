/** What `bundlefs complete` does: names for a shell that completes a command line. */
import { findMounts } from '../../../mount/control/find-mounts.ts';
import { printLines } from '../../../ground/print.ts';
import { showText } from '../../../ground/show-text.ts';
import { connectEngine } from '../../../place/engine/talk/engine-connection.ts';
import { findEngineEndpoint } from '../../../place/engine/talk/engine-endpoint.ts';
import { listEngineNames } from '../../../place/engine/engine-image.ts';

export type CompletedThing = 'images' | 'mounts';

/** Somebody has pressed a key and waits. */
const timeoutMs = 5000;

/** Prints a name a line, but those that cannot be typed. What cannot be found out is left out: a message in the middle of a command line helps nobody. */
export async function runComplete(thing: CompletedThing, signal: AbortSignal): Promise<void> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const names = await (thing === 'images' ? listImages(limited) : listMounts()).catch(() => []);
  printLines(names.filter((name) => name === showText(name)));
}

/** Those of the engine that is asked where nothing else is said. */
async function listImages(signal: AbortSignal): Promise<string[]> {
  const connection = await connectEngine(await findEngineEndpoint(), { signal });
  try {
    const names = await listEngineNames(connection, { signal });
    return [...new Set(names)].sort();
  } finally {
    connection.close();
  }
}

async function listMounts(): Promise<string[]> {
  return (await findMounts(process.env)).map(({ mountPoint }) => mountPoint);
}
