/** A mounted file that an ExtentReader reads from blocks on disk, as a bundle: made by a test, opened by its daemon. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { crc64 } from '../../../src/addon/block-codec.ts';
import { ExtentReader, type ExtentFile, type ExtentInput } from '../../../src/addon/extent-reader.ts';
import { digestOf } from '../../../src/ground/digest.ts';
import type { MountedFile } from '../../../src/mount/fuse/mounted-file.ts';
import { noiseBytes } from '../../addon/support/sample-bytes.ts';

export interface TableFileOptions {
  /** Of each block file, in bytes. */
  readonly blockSizes: readonly number[];
  /** How often the row of all blocks is repeated; once where absent. */
  readonly repeatCount?: number;
  /** Stands before the first block, from memory. */
  readonly glue?: Uint8Array;
  /** Equal seeds give equal blocks. */
  readonly seed?: string;
}

/** What the test knows of the file. */
export interface TableFile {
  readonly size: number;
  readonly extentCount: number;
  readonly blockPaths: readonly string[];
  /** The bytes that must be read there, fewer at the end. */
  bytesAt(position: number, length: number): Buffer;
}

interface Description {
  readonly files: readonly ExtentFile[];
  readonly rowSize: number;
  readonly repeatCount: number;
  readonly glue: string;
}

const descriptionName = 'table.json';

/** Writes the blocks, and what openTableFile needs to know of them, to `folder`. */
export function createTableFile(folder: string, options: TableFileOptions): TableFile {
  const { blockSizes, repeatCount = 1, glue = Buffer.alloc(0), seed = 'table' } = options;
  mkdirSync(folder, { recursive: true });
  const blocks = blockSizes.map((size, index) => noiseBytes(size, `${seed} ${index}`));
  const files = blocks.map((bytes, index): ExtentFile => {
    const path = join(folder, `block ${index}`);
    // What follows the block is not its own and must not be read.
    writeFileSync(path, Buffer.concat([bytes, Buffer.from('record')]));
    return { path, size: bytes.length, digest: digestOf(bytes), crc64: crc64(bytes) };
  });
  const row = Buffer.concat(blocks);
  const description: Description = {
    files,
    rowSize: row.length,
    repeatCount,
    glue: Buffer.from(glue).toString('base64'),
  };
  writeFileSync(join(folder, descriptionName), JSON.stringify(description));
  const size = glue.length + row.length * repeatCount;
  return {
    size,
    extentCount: 1 + files.length * repeatCount,
    blockPaths: files.map(({ path }) => path),
    bytesAt: (position, length) => {
      const end = Math.min(size, position + length);
      const parts: Uint8Array[] = [];
      for (let at = position; at < end;) {
        const inRow = (at - glue.length) % row.length;
        const part =
          at < glue.length
            ? glue.subarray(at, end)
            : row.subarray(inRow, Math.min(row.length, inRow + end - at));
        parts.push(part);
        at += part.length;
      }
      return Buffer.concat(parts);
    },
  };
}

/** The file that createTableFile described. Handles are the read module's, as those of a bundle. */
export function openTableFile(folder: string, openFileLimit?: number): MountedFile {
  const { files, rowSize, repeatCount, glue } = JSON.parse(
    readFileSync(join(folder, descriptionName), 'utf8'),
  ) as Description;
  const glueBytes = Buffer.from(glue, 'base64');
  const extents: ExtentInput[] = [
    { start: 0, length: glueBytes.length, source: { kind: 'memory', bytes: glueBytes } },
  ];
  let start = glueBytes.length;
  for (let row = 0; row < repeatCount; row++) {
    for (const [file, { size }] of files.entries()) {
      extents.push({ start, length: size, source: { kind: 'file', file, position: 0 } });
      start += size;
    }
  }
  const reader = new ExtentReader(files, extents, openFileLimit === undefined ? {} : { openFileLimit });
  return {
    size: glueBytes.length + rowSize * repeatCount,
    open: () => {
      const handle = reader.openHandle();
      return {
        handleNumber: handle.number,
        tryRead: (target, position) => reader.tryRead(target, position),
        read: (target, position) => reader.read(target, position),
        close: () => {
          handle.close();
        },
      };
    },
  };
}
