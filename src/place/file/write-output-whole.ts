/** Standard output that is a file: written whole, or not without an error. */
import { fstatSync, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';

/**
 * Node gives each chunk for a file behind standard output to the system once, and does not look how much of it was taken
 * (lib/internal/fs/sync_write_stream.js): where the disk fills up within a chunk, the file would be cut off and nobody
 * told. From here on what is left of a chunk is written, too, which fails then as it should.
 */
export function writeOutputWhole(output: Writable & { readonly fd: number }): void {
  if (!isFile(output.fd)) return;
  output._write = (chunk: Uint8Array, _encoding, callback) => {
    try {
      for (let done = 0; done < chunk.length;) done += writeSync(output.fd, chunk, done);
    } catch (error) {
      callback(error as Error);
      return;
    }
    callback();
  };
}

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false; // it is closed
  }
}
