/** Packs members into a tar archive with tar-stream, without a clock: nothing in it depends on when it was made. */
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';

/**
 * @typedef {object} TarMember
 * @property {string} name A directory's may end in a slash.
 * @property {'file' | 'directory' | 'symlink' | 'link'} [type] 'file' where left out.
 * @property {Uint8Array | AsyncIterable<Uint8Array>} [content] Of a file; none is an empty file.
 * @property {number} [size] Bytes of `content` where that is a stream.
 * @property {string} [linkName] Where a symlink or (hard) link points.
 * @property {number} [mode] The permission bits; rw-r--r--, or rwxr-xr-x for directories, where left out.
 * @property {number} [mtime] Seconds since 1970; 0 where left out.
 * @property {number} [owner] uid and gid; 0 where left out.
 * @property {Readonly<Record<string, string>>} [pax] Further records of the PAX extended header.
 */

/**
 * The archive of `members` in the order given, with the end that POSIX wants. In constant memory where contents are
 * streams. Throws what a content stream throws, and where its size is not `size`.
 * @param {Iterable<TarMember> | AsyncIterable<TarMember>} members
 * @returns {AsyncGenerator<Buffer, void, undefined>}
 */
export async function* packTar(members) {
  const archive = pack();
  const writing = writeMembers(archive, members);
  // Where it fails, reading the archive fails with the same error; here it would be an unhandled rejection.
  writing.catch((error) => archive.destroy(error));
  for await (const chunk of archive) yield /** @type {Buffer} */ (chunk);
  await writing;
}

/**
 * @param {import('tar-stream').Pack} archive
 * @param {Iterable<TarMember> | AsyncIterable<TarMember>} members
 */
async function writeMembers(archive, members) {
  for await (const member of members) await writeMember(archive, member);
  archive.finalize();
}

/**
 * @param {import('tar-stream').Pack} archive
 * @param {TarMember} member
 */
async function writeMember(archive, member) {
  const { content = Buffer.alloc(0), linkName, owner = 0, mtime = 0, pax } = member;
  const type = member.type ?? 'file';
  const header = {
    name: member.name,
    type,
    mode: member.mode ?? (type === 'directory' ? 0o755 : 0o644),
    mtime: new Date(mtime * 1000),
    uid: owner,
    gid: owner,
    size: content instanceof Uint8Array ? content.length : (member.size ?? 0),
    ...(linkName === undefined ? {} : { linkname: linkName }),
    ...(pax === undefined ? {} : { pax }),
  };
  if (type === 'file' && !(content instanceof Uint8Array)) {
    await pipeline(content, archive.entry(header));
    return;
  }
  await new Promise((resolve, reject) => {
    const done = (/** @type {Error | null | undefined} */ error) =>
      error ? reject(error) : resolve(undefined);
    if (type === 'file') archive.entry(header, asBuffer(content), done);
    else archive.entry(header, done);
  });
}

/** @param {Uint8Array | AsyncIterable<Uint8Array>} content */
function asBuffer(content) {
  if (!(content instanceof Uint8Array)) throw new TypeError('Only a file has content that is a stream');
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}

/**
 * All of `stream` in one piece of memory.
 * @param {AsyncIterable<Uint8Array>} stream
 * @returns {Promise<Buffer>}
 */
export async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
