/** Goes through all members of an archive: sizes and JSON always, digests of everything when asked for. */
import { posix } from 'node:path';
import { type Digest, finishDigest, startDigest } from '../digest.ts';
import { isJson } from '../image/foreign-json.ts';
import { decompress } from '../sources/decompress.ts';
import type { ByteReader } from '../tar/byte-reader.ts';
import { type TarEntry, walkTar } from '../tar/walk-tar.ts';

export interface SeenMember {
  readonly name: string;
  /** Bytes of the member. */
  readonly size: number;
  /** Its bytes, where it is a small JSON document. */
  readonly document?: Uint8Array;
  /** Digest of its bytes, and of what they are when decompressed; absent where no digests were asked for. */
  readonly digests?: { readonly stored: Digest; readonly content: Digest };
}

export interface MemberScan {
  readonly members: ReadonlyMap<string, SeenMember>;
  /** The member of this name, links followed. */
  find(name: string): SeenMember | undefined;
}

const largestDocument = 16 * 1024 * 1024;
const mostLinks = 16;

/** Reads the archive to its end. Throws archive-*, and xz-* where the reader decodes .xz. */
export async function scanMembers(
  reader: ByteReader,
  { withDigests }: { readonly withDigests: boolean },
): Promise<MemberScan> {
  const members = new Map<string, SeenMember>();
  const links = new Map<string, string>();
  for await (const entry of walkTar(reader)) {
    const name = posix.normalize(entry.name);
    if (entry.kind === 'symlink') links.set(name, posix.join(posix.dirname(name), entry.linkName ?? ''));
    if (entry.kind === 'hardlink') links.set(name, posix.normalize(entry.linkName ?? ''));
    if (entry.kind === 'file') members.set(name, await readMember(entry, name, withDigests));
  }
  return {
    members,
    find(name) {
      let current = posix.normalize(name);
      for (let count = 0; count < mostLinks; count += 1) current = links.get(current) ?? current;
      return members.get(current);
    },
  };
}

async function readMember(entry: TarEntry, name: string, withDigests: boolean): Promise<SeenMember> {
  const { size } = entry;
  const mayBeJson =
    size > 0 && size <= largestDocument && (name.endsWith('.json') || /^blobs\/\w+\/\w+$/.test(name));
  if (!withDigests && !mayBeJson) return { name, size };
  const stream = entry.stream();
  const chunks: Uint8Array[] = [];
  const hash = startDigest();
  let isDocument: boolean | undefined;
  async function* observed(): AsyncGenerator<Uint8Array> {
    for await (const chunk of stream) {
      if (chunk.length > 0) isDocument ??= mayBeJson && (chunk[0] === 0x7b || chunk[0] === 0x5b);
      if (isDocument === true) chunks.push(chunk);
      if (withDigests) hash.update(chunk);
      else if (isDocument === false) return;
      yield chunk;
    }
  }
  const content = startDigest();
  for await (const chunk of decompress(observed(), `"${name}"`)) content.update(chunk);
  const document = Buffer.concat(chunks);
  return {
    name,
    size,
    ...(isDocument === true && isJson(document) && { document }),
    ...(withDigests && { digests: { stored: finishDigest(hash), content: finishDigest(content) } }),
  };
}
