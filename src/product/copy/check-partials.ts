/** Reads what was written back from the device, and compares it with what it should be. */
import { join } from 'node:path';
import { readFully } from '../../file/read-chunks.ts';
import { BundleError } from '../../ground/errors.ts';
import { partialName } from './copy-note.ts';
import type { CopyFile } from './copy-source.ts';
import { type DeviceReadKind, hashOnDevice, openDeviceFile } from './device-file.ts';

export interface CheckPartialsOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (phase: 'checking', done: number, total: number) => void;
}

/** Returns the least that is true of how they were read; undefined where there are none. Throws output-corrupt and source-failed. */
export async function checkPartials(
  folder: string,
  files: readonly CopyFile[],
  { signal, onProgress }: CheckPartialsOptions,
): Promise<DeviceReadKind | undefined> {
  const total = files.reduce((sum, { content }) => sum + content.size, 0);
  let done = 0;
  let readKind: DeviceReadKind | undefined;
  for (const file of files) {
    const path = join(folder, partialName(file.name));
    const { digest, kind } = await hashOnDevice(path, {
      signal,
      onRead: (count) => {
        done += count;
        onProgress?.('checking', done, total);
      },
    });
    if (digest !== file.digest) throw await explainDifference(file, path);
    readKind = readKind === 'dropped' ? readKind : kind;
  }
  return readKind;
}

async function explainDifference(file: CopyFile, path: string): Promise<BundleError> {
  const position = await findDifference(file, path);
  if (position === undefined) {
    return new BundleError(
      'source-failed',
      `Cannot copy "${file.name}": it was read without an error, and does not have the sum that it should have`,
      { hint: 'What it is copied from is damaged. bundlefs cache verify, or sh verify.sh there, says more.' },
    );
  }
  return new BundleError(
    'output-corrupt',
    `Cannot trust the copy of "${file.name}": other bytes were read back from "${path}" than were written, from ${position} on`,
    {
      hint: 'The device does not keep what is written to it: it is worn out, or smaller than it says. Use another one.',
      path,
    },
  );
}

/** The first position, to the size of a sector, at which the file at `path` is not `file`. */
async function findDifference({ content }: CopyFile, path: string): Promise<number | undefined> {
  await using there = await openDeviceFile(path);
  let position = 0;
  for await (const chunk of there.chunks()) {
    const expected = Buffer.allocUnsafeSlow(Math.min(chunk.length, content.size - position));
    await readFully(content, expected, position);
    if (!expected.equals(chunk)) return position + findUnequal(expected, chunk);
    position += chunk.length;
  }
  return position === content.size ? undefined : position;
}

const sectorSize = 512;

function findUnequal(a: Buffer, b: Uint8Array): number {
  for (let start = 0; start < a.length; start += sectorSize) {
    if (!a.subarray(start, start + sectorSize).equals(b.subarray(start, start + sectorSize))) return start;
  }
  return a.length;
}
