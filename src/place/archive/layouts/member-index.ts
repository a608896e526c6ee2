/** The names of an archive's members, and where links between them lead. */
import { posix } from 'node:path';
import { type Digest, findDigestOfHex, hexOf } from '../../../ground/digest.ts';
import { BundleError } from '../../../ground/errors.ts';
import { isSafeName, type TarEntry } from '../../../format/tar/walk-tar.ts';

/** What is known of a file, so that a second one under its name can be compared. */
export interface IndexedFile {
  readonly size: number;
  /** Of the bytes in the archive, where they were read. */
  readonly storedDigest?: Digest;
}

type Place<T> =
  { readonly kind: 'file'; readonly file: T } | { readonly kind: 'link'; readonly target: string };

/** All of their names are held in memory. A bundle of 8000 images has some 50,000. */
const mostMembers = 1_000_000;
/** More links than this in a row are taken for a circle. */
const largestLinkCount = 16;

/** Collects members in the order of the archive; the last one of a name wins, as in tar. */
export class MemberIndex<T extends IndexedFile> {
  readonly label: string;
  readonly #places = new Map<string, Place<T>>();

  /** `label` is the archive, for messages. */
  constructor(label: string) {
    this.label = label;
  }

  get isEmpty(): boolean {
    return this.#places.size === 0;
  }

  /**
   * Adds a file. Throws archive-corrupt for an unsafe name, and where its name is a digest that stands for other bytes
   * already.
   */
  addFile(name: string, file: T): void {
    const clean = this.cleanName(name);
    const before = this.#places.get(clean);
    if (before?.kind === 'file' && findNamedDigest(clean) !== undefined && differs(before.file, file)) {
      throw new BundleError(
        'archive-corrupt',
        `Cannot read ${this.label}: it has "${clean}" twice, with different bytes`,
      );
    }
    this.#set(clean, { kind: 'file', file });
  }

  /** Adds a symlink, whose target is relative to its folder, or a hardlink, whose target is a member's name. */
  addLink({ kind, name, linkName = '' }: Pick<TarEntry, 'kind' | 'name' | 'linkName'>): void {
    const clean = this.cleanName(name);
    const isAbsolute = linkName === '' || linkName.startsWith('/');
    const target = kind === 'symlink' && !isAbsolute ? posix.join(posix.dirname(clean), linkName) : linkName;
    this.#set(clean, { kind: 'link', target });
  }

  #set(name: string, place: Place<T>): void {
    this.#places.set(name, place);
    if (this.#places.size <= mostMembers) return;
    throw new BundleError(
      'archive-unsupported',
      `Cannot read ${this.label}: it has more than ${mostMembers} members, which images do not have`,
    );
  }

  /** The file of this name, and the name it has behind all links. Throws archive-corrupt. */
  find(name: string): { readonly name: string; readonly file: T } | undefined {
    let clean = this.cleanName(name);
    for (let count = 0; count <= largestLinkCount; count += 1) {
      const place = this.#places.get(clean);
      if (place === undefined) return undefined;
      if (place.kind === 'file') return { name: clean, file: place.file };
      clean = this.cleanName(place.target);
    }
    throw new BundleError(
      'archive-corrupt',
      `Cannot read ${this.label}: the links at "${name}" go in circles`,
    );
  }

  /** `./a//b` as `a/b`. Throws archive-corrupt for a name that leads out of the archive. */
  cleanName(name: string): string {
    if (isSafeName(name)) return posix.normalize(name);
    throw new BundleError(
      'archive-corrupt',
      `Cannot read ${this.label}: "${name}" is not a name inside of it`,
    );
  }
}

function differs(a: IndexedFile, b: IndexedFile): boolean {
  return a.size !== b.size || a.storedDigest !== b.storedDigest;
}

/** Where an OCI layout has a blob (OCI image-spec, image-layout.md). */
export function blobName(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

/** The digest that a blob's name gives, or undefined for a member that is no blob. */
export function findBlobDigest(name: string): Digest | undefined {
  const hex = /^blobs\/sha256\/([^/]+)$/.exec(name)?.[1];
  return hex === undefined ? undefined : findDigestOfHex(hex);
}

/** The same for other names made of a digest too: `<hex>.json`, `<hex>.tar`, `sha256:<hex>`. */
export function findNamedDigest(name: string): Digest | undefined {
  const hex = /(?:^|[/:])([0-9a-f]{64})(?:\.json|\.tar)?$/.exec(name)?.[1];
  return hex === undefined ? undefined : findDigestOfHex(hex);
}
