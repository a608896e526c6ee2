/** The members of a tar that is read once, front to back: documents are kept, and all else goes to the sink as it passes. */
import { posix } from 'node:path';
import { digestOf } from '../../ground/digest.ts';
import { BundleError } from '../../ground/errors.ts';
import { isJson } from '../../image/json/foreign-json.ts';
import { StreamByteReader } from '../../format/tar/byte-reader.ts';
import { type BytesBehindEnd, type TarEntry, walkTar } from '../../format/tar/walk-tar.ts';
import type { LayerSink } from '../../image/image-source.ts';
import { BundleOrder } from './layouts/bundle-order.ts';
import { type IndexedFile, MemberIndex } from './layouts/member-index.ts';
import {
  type FailedMember,
  type KeptMember,
  largestDocumentSize,
  legacyNamesName,
  type MemberTable,
  type PassedMember,
} from './layouts/member-table.ts';
import { peekStart } from './decompress.ts';
import { takeOrNote } from './take-or-note.ts';

export interface PassTarOptions {
  /** What the tar is, for messages. */
  readonly label: string;
  readonly signal?: AbortSignal;
}

type Passed = (Omit<KeptMember, 'name'> | Omit<PassedMember, 'name'> | Omit<FailedMember, 'name'>) &
  IndexedFile;

/** Memory for documents. An image has a few, of some KiB each. */
const largestKeptSize = 256 * 1024 * 1024;

/** What docker wrote for versions before 1.10, and nobody needs: it would be taken for layers, or fill memory. */
const ignoredNames = /(?:^|\/)(?:VERSION|json)$/;

/**
 * Reads all of `tar`. Members come in any order, so which of them are layers is known only at the end: every file
 * that is not JSON is handed to the sink. Throws what walkTar, takeLayer and the sink throw.
 */
export async function passTar(
  tar: AsyncIterable<Uint8Array>,
  sink: LayerSink,
  { label, signal }: PassTarOptions,
): Promise<MemberTable> {
  const index = new MemberIndex<Passed>(label);
  let keptSize = 0;
  const order = new BundleOrder();
  let extra: BytesBehindEnd | undefined;
  const entries = walkTar(new StreamByteReader(tar, label), (found) => {
    extra = found;
  });
  for await (const entry of entries) {
    order.add(entry);
    const name = index.cleanName(entry.name);
    if (entry.kind === 'symlink' || entry.kind === 'hardlink') index.addLink(entry);
    if (entry.kind !== 'file' || ignoredNames.test(name)) continue;
    const passed = await passMember(entry, name, sink, { label, signal });
    index.addFile(name, passed);
    if (passed.kind === 'kept') keptSize += passed.size;
    if (keptSize > largestKeptSize) throw tooManyDocuments(label);
  }
  return {
    label,
    isEmpty: index.isEmpty,
    isBundle: order.isBundle,
    extra,
    findMember(name) {
      const found = index.find(name);
      return Promise.resolve(found && { ...found.file, name: found.name });
    },
  };
}

async function passMember(
  entry: TarEntry,
  name: string,
  sink: LayerSink,
  { label, signal }: PassTarOptions,
): Promise<Passed> {
  const { size } = entry;
  const { start, whole } = await peekStart(abortable(entry.stream(), signal), 64);
  let layer = whole;
  const isNamedJson = posix.extname(name) === '.json';
  if (size <= largestDocumentSize && (isNamedJson || name === legacyNamesName || looksLikeJson(start))) {
    const bytes = await collect(whole);
    if (isNamedJson || name === legacyNamesName || isJson(bytes))
      return { kind: 'kept', size, bytes, storedDigest: digestOf(bytes) };
    layer = once(bytes); // a tar whose first file's name starts with a bracket
  }
  const what = `"${name}" in ${label}`;
  const options = { what, layer: { label: what }, signal };
  const taken = await takeOrNote(layer, sink, options);
  return 'error' in taken ? { kind: 'failed', size, ...taken } : { kind: 'passed', size, ...taken };
}

/** Holes of a sparse file come without anything being read. */
async function* abortable(
  stream: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of stream) {
    signal?.throwIfAborted();
    yield chunk;
  }
}

function looksLikeJson(start: Uint8Array): boolean {
  return /^(?:\xef\xbb\xbf)?\s*[{[]/.test(Buffer.from(start).toString('latin1'));
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield await Promise.resolve(bytes);
}

function tooManyDocuments(label: string): BundleError {
  return new BundleError(
    'archive-unsupported',
    `Cannot read ${label}: it has more than ${largestKeptSize} bytes of JSON, which images do not have`,
  );
}
