/**
 * The folders, files and symlinks that an engine has made of a layer so far, for what it refuses only as it unpacks: docker's
 * overlay2 unpacks each layer into an empty folder, whatever lies below it (moby pkg/archive, "Unpack").
 */
import { shorten } from '../../ground/format-text.ts';
import type { LayerMemberKind } from './layer-member.ts';

type Node = Folder | Symlink | 'other';

class Folder {
  /** Of the root, the root. */
  readonly parent: Folder;
  readonly children = new Map<string, Node>();

  constructor(parent?: Folder) {
    this.parent = parent ?? this;
  }
}

interface Symlink {
  readonly target: string;
}

/** A member as its headers have it, texts byte by byte (latin1). */
export interface TreeMember {
  readonly kind: LayerMemberKind;
  readonly path: string;
  /** Of links. */
  readonly target: string;
}

/** What Linux takes for one name, and for a path (limits.h, without the NUL). */
const [largestName, largestText] = [255, 4095];
/** docker counts a layer's files by paths that have this before them, and the folder of its data, be that only "/". */
const largestPath = largestText - `/overlay2/${'0'.repeat(64)}/diff/`.length;
const whiteoutPrefix = '.wh.';
const opaqueName = '.wh..wh..opq';
/** Bytes of names and what holds them: about a million members. Of more, only what a header tells itself is looked at. */
const memoryLimit = 128 * 1024 * 1024;
/** What a node takes in memory beside its name. */
const nodeSize = 100;
/** How many bytes of symlinks' targets are followed in one layer, so that a hostile one costs no more than others. */
const mostSteps = 16 * 1024 * 1024;
/** As Linux has it. */
const mostSymlinks = 40;
const mostGlobals = 1000;

/** Takes a layer's members in their order. Where it cannot know what an engine would have, it says no more of the layer's tree. */
export class LayerTree {
  #root = new Folder();
  readonly #globals = new Set<string>();
  #isSure = true;
  #left = memoryLimit;
  #stepsLeft = mostSteps;
  #symlinksLeft = 0;
  /** Of the member before this one: most have the same. */
  #lastParent: { readonly path: string; readonly folder: Folder } | undefined;

  /** Why engines refuse this member where it stands: `it has a symlink "a" without a target`. undefined where they take it, or may. */
  add({ kind, path, target }: TreeMember): string | undefined {
    const clean = cleanName(path);
    // Names above the root: for 20.10 they begin at it, 28.5 refuses them.
    if (clean === undefined || (clean === '' && kind !== 'directory' && path.startsWith('/'))) this.#giveUp();
    if (clean === undefined || clean === '') return undefined;
    const slash = clean.lastIndexOf('/');
    // A copy: a slice would keep all of the path.
    const name = Buffer.from(clean.slice(slash + 1), 'latin1').toString('latin1');
    const hidden = name.startsWith(whiteoutPrefix) ? name.slice(whiteoutPrefix.length) : undefined;
    const isTooLong = hasLongName(clean, slash, hidden ?? name);
    if (name !== opaqueName && isTooLong) return `it has a name that is too long, ${quote(path)}`;
    if (hidden !== undefined && ['', '.', '..'].includes(hidden))
      return `it has a whiteout of nothing, ${quote(path)}`;
    if (hidden === undefined && kind === 'symlink') {
      if (target === '') return `it has a symlink ${quote(path)} without a target`;
      if (target.length > largestText)
        return `it has a symlink ${quote(path)} with a target that is too long`;
    }
    if (!this.#isSure) return undefined;
    const folder = this.#findParent(slash < 0 ? '' : clean.slice(0, slash));
    if (folder === undefined) {
      this.#giveUp();
      return undefined;
    }
    // What makes a folder opaque is an xattr, which files may have.
    if (name === opaqueName && folder !== 'nothing') return undefined;
    if (typeof folder === 'string') return `it has ${quote(path)} below what is no folder`;
    if (hidden !== undefined) return this.#addWhiteout(folder, hidden, path);
    return this.#addMember(folder, name, { kind, path, target });
  }

  /** A global PAX header, which docker keeps as if it were a member; it is none, and has no place. */
  addGlobal(name: string): string | undefined {
    if (this.#globals.has(name)) return `it has two global headers ${quote(name)}`;
    if (this.#globals.size < mostGlobals) this.#globals.add(name);
    return undefined;
  }

  /** A device in the place of what is gone, which must be free (moby, "overlayWhiteoutConverter"). */
  #addWhiteout(folder: Folder, hidden: string, path: string): string | undefined {
    if (folder.children.has(hidden)) return `it has ${quote(path)} behind what that says is gone`;
    this.#put(folder, hidden, 'other');
    return undefined;
  }

  /** A name that comes twice is no fault: graph drivers of docker refuse it, containerd takes the last. */
  #addMember(folder: Folder, name: string, { kind, path, target }: TreeMember): string | undefined {
    const before = folder.children.get(name);
    if (before instanceof Folder) {
      if (kind !== 'directory') this.#giveUp(); // All that it has is gone.
      return undefined;
    }
    if (typeof before === 'object') this.#lastParent = undefined;
    if (kind === 'directory') this.#put(folder, name, new Folder(folder));
    else if (kind === 'symlink') this.#put(folder, name, { target });
    else if (kind !== 'hardlink') this.#put(folder, name, 'other');
    else {
      const found = this.#findLinked(target, folder, name);
      if (found === 'nothing')
        return `it has a hardlink ${quote(path)} to ${quote(target)}, which is not before it in the layer`;
      if (found instanceof Folder) return `it has a hardlink ${quote(path)} to ${quote(target)}, a folder`;
      if (found === undefined) this.#giveUp();
      else this.#put(folder, name, found);
    }
    return undefined;
  }

  /** What a hardlink called `name` in `folder` links to: symlinks on the way are followed, and one at the end is not. */
  #findLinked(target: string, folder: Folder, name: string): Node | 'nothing' | undefined {
    const clean = cleanName(target);
    if (clean === undefined) return undefined;
    if (clean === '') return this.#root;
    const slash = clean.lastIndexOf('/');
    const last = clean.slice(slash + 1);
    this.#symlinksLeft = mostSymlinks;
    const parent = this.#walk(this.#root, slash < 0 ? '' : clean.slice(0, slash));
    if (parent === undefined) return undefined;
    if (!(parent instanceof Folder)) return 'nothing';
    // What had the name of the link is removed before the link is made.
    if (parent === folder && last === name) return 'nothing';
    return parent.children.get(last) ?? 'nothing';
  }

  /** The folder of this path below the root, made where it is missing, as engines do. undefined where that is not known. */
  #findParent(path: string): Folder | NoFolder | undefined {
    if (this.#lastParent?.path === path) return this.#lastParent.folder;
    this.#symlinksLeft = mostSymlinks;
    const found = this.#walk(this.#root, path, true);
    if (found instanceof Folder) this.#lastParent = { path, folder: found };
    return found;
  }

  /** Where `path` leads to from `start`, by symlinks too. undefined where that is not known. */
  #walk(start: Folder, path: string, makes = false): Folder | NoFolder | undefined {
    let folder = start;
    const names = path.split('/');
    for (const [index, name] of names.entries()) {
      if (name === '' || name === '.') continue;
      if (name === '..' && folder === this.#root) return undefined; // engines differ
      let node: Node | NoFolder | undefined = name === '..' ? folder.parent : folder.children.get(name);
      if (node === undefined && makes) this.#put(folder, name, (node = new Folder(folder)));
      if (node === undefined) return 'nothing';
      if (typeof node === 'object' && !(node instanceof Folder)) {
        node = this.#followSymlink(folder, node);
        if (node === undefined) return undefined;
      }
      if (!(node instanceof Folder))
        return node !== 'nothing' && index === names.length - 1 ? 'file' : 'nothing';
      folder = node;
    }
    return folder;
  }

  #followSymlink(folder: Folder, { target }: Symlink): Folder | NoFolder | undefined {
    this.#symlinksLeft -= 1;
    if (this.#symlinksLeft < 0) return 'nothing';
    this.#stepsLeft -= target.length;
    if (this.#stepsLeft < 0) return undefined;
    return this.#walk(target.startsWith('/') ? this.#root : folder, target);
  }

  #put(folder: Folder, name: string, node: Node): void {
    this.#left -= name.length + nodeSize;
    if (this.#left < 0) this.#giveUp();
    else folder.children.set(name, node);
  }

  #giveUp(): void {
    this.#isSure = false;
    this.#root = new Folder();
    this.#lastParent = undefined;
  }
}

/** Something else at the end of a path, or nothing: something else on the way, or symlinks to nothing. */
type NoFolder = 'file' | 'nothing';

/** A dot, two, or nothing between slashes or at an end. */
const unclean = /(?:^|\/)\.{0,2}(?:\/|$)/;

/** Go's filepath.Clean, without the slash of an absolute path. undefined for what leads above the root. */
function cleanName(path: string): string | undefined {
  const plain = path.slice(path.startsWith('./') ? 2 : 0, path.endsWith('/') ? -1 : undefined);
  if (!unclean.test(plain)) return plain;
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name !== '..') {
      if (name !== '' && name !== '.') names.push(name);
    } else if (names.pop() === undefined) return undefined;
  }
  return names.join('/');
}

/** `last` is what the last name of `path`, behind `slash`, is on a disk. */
function hasLongName(path: string, slash: number, last: string): boolean {
  if (path.length <= largestName) return false;
  const folder = path.slice(0, Math.max(slash, 0));
  const isLong = ({ length }: string): boolean => length > largestName;
  return slash + 1 + last.length > largestPath || isLong(last) || folder.split('/').some(isLong);
}

const quotedWidth = 100;

function quote(text: string): string {
  return `"${shorten(Buffer.from(text, 'latin1').toString(), quotedWidth)}"`;
}
