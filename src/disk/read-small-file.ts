/** Reads files that are small where they are right, and that another may have put there: no more than that, and no waiting. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { withPath } from '../ground/system-error.ts';

const mebi = 1024 * 1024;

export interface ReadSmallFileOptions {
  /** In MiB; 64, which no bundle.json and no recipe comes near, where left out. */
  readonly limitMiB?: number;
  /** Whether it may be a pipe, such as a shell's `<(command)`: for what the user names. */
  readonly acceptsPipes?: boolean;
}

/** All of the file at `path`. Throws what open(2) and read(2) say, and Error where it is too large, or no file at all. */
export async function readSmallFile(
  path: string,
  { limitMiB = 64, acceptsPipes = false }: ReadSmallFileOptions = {},
): Promise<Buffer> {
  return withPath(path, () => readWhole(path, limitMiB, acceptsPipes));
}

async function readWhole(path: string, limitMiB: number, acceptsPipes: boolean): Promise<Buffer> {
  // A pipe that nobody writes to would hold up a plain open(2) for ever.
  const flags = constants.O_RDONLY | (acceptsPipes ? 0 : constants.O_NONBLOCK);
  await using file = await open(path, flags);
  const info = await file.stat();
  if (!info.isFile() && !info.isDirectory() && !(acceptsPipes && info.isFIFO())) {
    throw new Error('it is not a regular file');
  }
  const limit = limitMiB * mebi;
  const chunks: Uint8Array[] = [];
  for (let size = 0; size <= limit;) {
    const chunk = Buffer.allocUnsafe(Math.min(mebi, Math.max(4096, info.size - size + 1)));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
    if (bytesRead === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, bytesRead));
    size += bytesRead;
  }
  throw new Error(`it has more than ${limitMiB} MiB, which such a file never has`);
}
