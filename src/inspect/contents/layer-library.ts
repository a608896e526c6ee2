/** The layers that can be looked into: their members and contents, each read no more than once and no more than is needed. */
import type { FindLayer, LayerBytes } from '../../file/layer-bytes.ts';
import { groupBy } from '../../ground/group-by.ts';
import { createHash } from 'node:crypto';
import type { DiffId } from '../../ground/digest.ts';
import { BundleError } from '../../ground/errors.ts';
import {
  type ByteReader,
  FileByteReader,
  type ReadableFile,
  StreamByteReader,
} from '../../format/tar/byte-reader.ts';
import type { LayerMember } from '../../format/tar/layer-member.ts';
import { type RefusedMember, walkLayer } from '../../format/tar/walk-layer.ts';
import type { ContentPlace } from '../../format/tree/tree.ts';

export interface LayerLibrary {
  /** The members of a layer, in its order. Throws layer-missing, archive-*. */
  listMembers(diffId: DiffId): Promise<readonly LayerMember[]>;
  /** A name for the bytes at `place` that tells without reading them whether two are the same, where there is one. */
  nameContent(place: ContentPlace<DiffId>): string | undefined;
  /** Reads the contents at these places; afterwards digestOf knows them. */
  readContents(places: readonly ContentPlace<DiffId>[]): Promise<void>;
  /** What the content at `place` hashes to; throws RangeError where it was not read. */
  digestOf(place: ContentPlace<DiffId>): string;
  /** Tells that a tree cannot have what a layer says (see LayerLibraryOptions.onLeftOut). */
  leaveOut(left: LeftOut): void;
  /** Forgets the members of a layer, to keep memory bounded. Digests stay. */
  forget(diffId: DiffId): void;
}

/** What a layer has that no tree can have: engines refuse to unpack it. */
export interface LeftOut {
  readonly layer: DiffId;
  /** What it is: `a hardlink "a" to "b", which is not there`. */
  readonly what: string;
}

export interface LayerLibraryOptions {
  readonly signal?: AbortSignal;
  /** Called with bytes of content that were read. */
  readonly onRead?: (size: number) => void;
  /** Called for members of kinds that engines refuse and hardlinks to nothing, which trees are made without. May throw. */
  readonly onLeftOut?: (left: LeftOut) => void;
}

const chunkSize = 1024 * 1024;

/**
 * A library over `find`. Of layers at random access only headers are read for their members; of the others everything
 * is read and hashed at once, for there is no second time.
 */
export function createLayerLibrary(
  find: FindLayer,
  { signal, onRead, onLeftOut }: LayerLibraryOptions = {},
): LayerLibrary {
  const layers = new Map<DiffId, Promise<LayerBytes>>();
  const listings = new Map<DiffId, Promise<readonly LayerMember[]>>();
  const opened = new Map<DiffId, LayerBytes>();
  const digests = new Map<string, string>();
  const open = (diffId: DiffId): Promise<LayerBytes> => {
    const found =
      layers.get(diffId) ??
      find(diffId).then((bytes) => {
        if (bytes === undefined) throw cannotRead(diffId);
        opened.set(diffId, bytes);
        return bytes;
      });
    layers.set(diffId, found);
    return found;
  };
  const list = async (diffId: DiffId): Promise<readonly LayerMember[]> => {
    const bytes = await open(diffId);
    const members: LayerMember[] = [];
    const tellRefused = ({ type, headerPosition }: RefusedMember): void => {
      const what = `a member of type ${JSON.stringify(type)} at byte ${headerPosition}, which engines refuse`;
      onLeftOut?.({ layer: diffId, what });
    };
    for await (const passing of walkLayer(readerOf(bytes, diffId), tellRefused)) {
      const { member } = passing;
      signal?.throwIfAborted();
      members.push(member);
      if (bytes.kind === 'random' || member.kind !== 'file') continue;
      const hash = createHash('sha256');
      for await (const chunk of passing.stream()) hash.update(chunk);
      onRead?.(member.size);
      digests.set(keyOf({ layer: diffId, position: member.contentPosition }), hash.digest('base64'));
    }
    return members;
  };

  return {
    listMembers(diffId) {
      const listing = listings.get(diffId) ?? list(diffId);
      listings.set(diffId, listing);
      return listing;
    },
    nameContent({ layer, position, size }) {
      const bytes = opened.get(layer);
      return bytes?.kind === 'random' ? bytes.nameRange?.(position, size) : undefined;
    },
    async readContents(places) {
      const unread = places.filter((place) => !digests.has(keyOf(place)));
      const byLayer = groupBy(unread, ({ layer }) => layer);
      // Layers side by side, for a decoder keeps one core busy; within a layer in order, for a block holds many files.
      await Promise.all([...byLayer].map(([diffId, wanted]) => readLayer(diffId, wanted)));
    },
    digestOf(place) {
      const digest = digests.get(keyOf(place));
      if (digest === undefined) throw new RangeError(`The content at ${keyOf(place)} was not read`);
      return digest;
    },
    leaveOut(left) {
      onLeftOut?.(left);
    },
    forget(diffId) {
      listings.delete(diffId);
    },
  };

  async function readLayer(diffId: DiffId, places: ContentPlace<DiffId>[]): Promise<void> {
    const bytes = await open(diffId);
    if (bytes.kind === 'stream') {
      await list(diffId);
      return;
    }
    const distinct = new Map(places.map((place) => [place.position, place]));
    for (const place of [...distinct.values()].sort((a, b) => a.position - b.position)) {
      signal?.throwIfAborted();
      digests.set(keyOf(place), await hashRange(bytes.file, place));
      onRead?.(place.size);
    }
  }
}

async function hashRange(
  file: ReadableFile,
  { position, size }: Pick<ContentPlace<unknown>, 'position' | 'size'>,
): Promise<string> {
  const hash = createHash('sha256');
  const target = Buffer.allocUnsafe(Math.min(chunkSize, size));
  for (let done = 0; done < size;) {
    const count = await file.read(target.subarray(0, Math.min(target.length, size - done)), position + done);
    if (count === 0)
      throw new BundleError('archive-truncated', `Cannot read a layer: it ends at byte ${position + done}`);
    hash.update(target.subarray(0, count));
    done += count;
  }
  return hash.digest('base64');
}

function readerOf(bytes: LayerBytes, diffId: DiffId): ByteReader {
  const label = `layer ${diffId}`;
  return bytes.kind === 'random'
    ? new FileByteReader(bytes.file, label)
    : new StreamByteReader(bytes.open(), label);
}

function keyOf({ layer, position }: Pick<ContentPlace<DiffId>, 'layer' | 'position'>): string {
  return `${layer}@${position}`;
}

function cannotRead(diffId: DiffId): BundleError {
  return new BundleError('layer-missing', `Cannot look into layer ${diffId}: its bytes are not at hand`, {
    hint: 'Files can be compared where layers can be read: in a bundle, a docker archive that is plain or .tar.xz, an OCI layout, or a build whose blocks are in the cache.',
  });
}
