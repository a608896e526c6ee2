/** Small tar archives and chunkings of them, for the tests of src/format/tar. */
import { type ByteReader, StreamByteReader } from '../../../src/format/tar/byte-reader.ts';
import { encodeTarHeader, tarEnd, tarPadding } from '../../../src/format/tar/tar-header.ts';
import { walkTar } from '../../../src/format/tar/walk-tar.ts';

export interface FixtureMember {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The archive of `members`, as a bundle would have them. */
export function buildTar(members: readonly FixtureMember[]): Buffer {
  const parts = members.flatMap(({ name, bytes }) => [
    encodeTarHeader({ name, size: bytes.length }),
    bytes,
    Buffer.alloc(tarPadding(bytes.length)),
  ]);
  return Buffer.concat([...parts, tarEnd]);
}

/** `bytes` in chunks of the given lengths, over and over; a length of 0 gives an empty chunk. */
export async function* chunked(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let start = 0, turn = 0; start < bytes.length; turn += 1) {
    await Promise.resolve();
    const length = lengths[turn % lengths.length] ?? bytes.length;
    yield bytes.subarray(start, start + length);
    start += length;
  }
}

/** A reader of `bytes` that come in chunks of 1000. */
export function streamReader(bytes: Uint8Array): StreamByteReader {
  return new StreamByteReader(chunked(bytes, [1000]), 'archive "test.tar"');
}

/** Every member that a walk over `bytes` gives, its content read. */
export async function readMembers(
  bytes: Uint8Array,
  reader: ByteReader = streamReader(bytes),
): Promise<{ kind: string; name: string; linkName?: string; content: string }[]> {
  const members = [];
  for await (const entry of walkTar(reader)) {
    const content = Buffer.from(await entry.read()).toString('latin1');
    const link = entry.linkName === undefined ? {} : { linkName: entry.linkName };
    members.push({ kind: entry.kind, name: entry.name, ...link, content });
  }
  return members;
}

/** The names that a walk gives that reads no content. */
export async function walkNames(reader: ByteReader): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of walkTar(reader)) names.push(name);
  return names;
}

/** `block` with its header checksum made right again, after a test has changed it. */
export function sealHeader(block: Buffer): Buffer {
  block.write('        ', 148, 'latin1');
  const sum = block.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
