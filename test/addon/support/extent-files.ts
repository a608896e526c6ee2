/** Files and extents for the tests of ExtentReader. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc64 } from '../../../src/addon/block-codec.ts';
import { digestOf } from '../../../src/ground/digest.ts';
import type { ExtentFile, ExtentInput, ExtentReader } from '../../../src/addon/extent-reader.ts';

/** A file in `folder` whose first bytes are `bytes`, with a trailer that belongs to nobody. */
export function createFile(folder: string, name: string, bytes: Uint8Array): ExtentFile {
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat([bytes, Buffer.from('trailer')]));
  return { path, size: bytes.length, digest: digestOf(bytes), crc64: crc64(bytes) };
}

/** Extents for `files`, whole and one after the other. */
export function chain(files: readonly ExtentFile[]): ExtentInput[] {
  let start = 0;
  return files.map(({ size }, file) => {
    const extent: ExtentInput = { start, length: size, source: { kind: 'file', file, position: 0 } };
    start += size;
    return extent;
  });
}

/** The bytes that `reader` gives for a slice. */
export async function readSlice(reader: ExtentReader, position: number, length: number): Promise<Buffer> {
  const target = Buffer.alloc(length, 0xee);
  return target.subarray(0, await reader.read(target, position));
}
