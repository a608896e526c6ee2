/** Whether engines take the bytes of a layer from its start to its end: what Go's archive/tar refuses of any header, and what they refuse as they unpack. */
import { shorten } from '../../ground/format-text.ts';
import { isZero } from '../../ground/zeros.ts';
import { findEngineSize } from './engine-size.ts';
import { findMemberKind, isTakenType } from './layer-member.ts';
import { LayerTree } from './layer-tree.ts';
import { parsePaxRecords, xattrPrefix } from './pax-records.ts';
import { findSparseForm, hasSparseFault, largestStoredMap, type SparseForm } from './sparse-fault.ts';
import { tarBlockSize, tarPadding } from './tar-header.ts';
import { findText, readHeaderPath } from './tar-field.ts';
import { TarStart } from './tar-start.ts';

/** What comes next. `left` is in bytes. */
type State =
  | { readonly kind: 'header' | 'end' }
  /** Of an extended header, or the start of a sparse member's content; `parts` is what has come of it. */
  | { readonly kind: 'extension' | 'map'; left: number; readonly parts: Uint8Array[]; readonly type: string }
  | { readonly kind: 'content'; left: number }
  | { readonly kind: 'padding'; left: number }
  /** Behind the end of the archive, where nobody looks, or behind a fault. */
  | { readonly kind: 'over' };

const noRecords: ReadonlyMap<string, Buffer> = new Map();

/** archive/tar, "maxSpecialFileSize". */
const largestExtension = 1024 * 1024;

/** What Linux takes of a name of an xattr, and of its value (xattr(7)). */
const [largestXattrName, largestXattr] = [255, 65_536];
/** Others no file system has, such as those of macOS: 20.10 goes on without them, newer engines stop (28.5). */
const xattrKind = /^(?:user|trusted|security|system|btrfs)\./;

/** Follows the headers of a layer as it passes, by the sizes that they say; keeps its names, up to a limit, and nothing of its content. */
export class TarCheck {
  readonly #start = new TarStart();
  readonly #block = new Uint8Array(tarBlockSize);
  #filled = 0;
  #position = 0;
  #state: State = { kind: 'header' };
  #records = noRecords;
  /** The names that GNU headers have given the next member, if any. */
  #longName: Buffer | undefined;
  #longTarget: Buffer | undefined;
  /** What the global header is called whose records are passing. */
  #globalName: string | undefined;
  readonly #tree = new LayerTree();
  /** Of the member or header whose content is passing. */
  #contentSize = 0;
  #fault: string | undefined;
  /** Of a member that can be read, and not unpacked. */
  #unpackFault: string | undefined;

  /** Looks at the next bytes. */
  push(chunk: Uint8Array): void {
    this.#start.push(chunk);
    for (let start = 0; start < chunk.length && this.#state.kind !== 'over';) {
      const end = Math.min(chunk.length, start + this.#wanted());
      this.#position += end - start;
      this.#take(chunk.subarray(start, end));
      start = end;
    }
  }

  /** Why engines refuse this: `it has no tar header (before byte 1536)`. Undefined where it may be one, and while too little has come to tell. */
  findFault(): string | undefined {
    return this.findReadFault() ?? this.#unpackFault;
  }

  /** The same, without what engines refuse only as they unpack: such a layer can be read, and another one made of it. */
  findReadFault(): string | undefined {
    return this.#start.findFault() ?? this.#fault;
  }

  /** Whether the bytes start as a tar does: with a fault behind that, they are a damaged one. */
  startsAsTar(): boolean {
    return this.#start.findFaultAtEnd() === undefined;
  }

  /** The same as findFault, at the end of the layer. The last padding and the end of the archive may be missing. */
  findFaultAtEnd(): string | undefined {
    return this.findReadFaultAtEnd() ?? this.#unpackFault;
  }

  /** The same as findReadFault, at the end of the layer. */
  findReadFaultAtEnd(): string | undefined {
    const fault = this.#start.findFaultAtEnd() ?? this.#fault;
    if (fault !== undefined) return fault;
    const isWhole = this.#filled === 0 && ['header', 'end', 'padding', 'over'].includes(this.#state.kind);
    return isWhole ? undefined : `it is cut off at byte ${this.#position}`;
  }

  #wanted(): number {
    return 'left' in this.#state ? this.#state.left : tarBlockSize - this.#filled;
  }

  #take(part: Uint8Array): void {
    const state = this.#state;
    if (!('left' in state)) {
      this.#block.set(part, this.#filled);
      this.#filled += part.length;
      if (this.#filled < tarBlockSize) return;
      this.#filled = 0;
      this.#takeBlock(state.kind);
      return;
    }
    state.left -= part.length;
    if ('parts' in state) state.parts.push(Uint8Array.from(part));
    if (state.left > 0) return;
    if (state.kind === 'padding') this.#state = { kind: 'header' };
    else if (state.kind === 'map') this.#takeMap(Buffer.concat(state.parts));
    else if (state.kind === 'content' || this.#takeExtension(Buffer.concat(state.parts), state.type))
      this.#endContent();
  }

  #takeBlock(kind: 'header' | 'end' | 'over'): void {
    if (kind === 'header' && !isZero(this.#block)) this.#takeHeader(this.#block);
    else if (kind === 'header') this.#state = { kind: 'end' };
    else if (isZero(this.#block)) this.#state = { kind: 'over' };
    else this.#fail('it has one block of zeros and no second one');
  }

  #takeHeader(block: Uint8Array): void {
    const type = String.fromCharCode(block[156] ?? 0);
    const isExtension = 'xgLK'.includes(type);
    const size = findEngineSize(block, isExtension ? noRecords : this.#records);
    if (size === undefined) this.#fail('it has no tar header');
    else if (isExtension && size > largestExtension)
      this.#fail('it has an extended header of too many bytes');
    else if (!isExtension && !isTakenType(type)) this.#fail(`it has a member of type "${type}"`);
    else {
      this.#contentSize = size;
      const form = isExtension ? 'none' : this.#takeMember(block, type);
      if (this.#fault !== undefined) return;
      if (type === 'g') this.#globalName = readHeaderPath(block).toString('latin1');
      if (isExtension && size > 0) this.#state = { kind: 'extension', left: size, parts: [], type };
      else if (form === 'stored')
        this.#state = { kind: 'map', left: Math.min(size, largestStoredMap), parts: [], type };
      else if (size > 0) {
        this.#state = { kind: 'content', left: size };
        this.#forget();
      } else {
        if (!isExtension) this.#forget();
        this.#endContent();
      }
    }
  }

  /** Looks at a member as engines unpack it. */
  #takeMember(block: Uint8Array, type: string): SparseForm {
    const records = this.#records;
    const form = records === noRecords ? 'none' : findSparseForm(records);
    const sparseName = form === 'none' ? undefined : records.get('GNU.sparse.name');
    const path = sparseName ?? this.#longName ?? records.get('path') ?? readHeaderPath(block);
    const target = this.#longTarget ?? records.get('linkpath') ?? findText(block, 157, 257);
    const text = path.toString('latin1');
    const kind = findMemberKind(type, text);
    if (kind === undefined) return 'none';
    const fault =
      this.#tree.add({ kind, path: text, target: target.toString('latin1') }) ??
      findXattrFault(records, text);
    this.#noteUnpackFault(fault);
    if (form === 'listed' && kind === 'file') this.#checkMap();
    return kind === 'file' && this.#contentSize > 0 ? form : 'none';
  }

  /** `start` is the first of the content of a sparse member. */
  #takeMap(start: Buffer): void {
    this.#checkMap(start);
    if (this.#fault !== undefined) return;
    this.#forget();
    const left = this.#contentSize - start.length;
    if (left > 0) this.#state = { kind: 'content', left };
    else this.#endContent();
  }

  #checkMap(start?: Buffer): void {
    const member = { records: this.#records, size: this.#contentSize, ...(start !== undefined && { start }) };
    if (hasSparseFault(member)) this.#fail('it has a sparse file whose map does not fit it');
  }

  /** What extended headers said of a member that is over. */
  #forget(): void {
    this.#records = noRecords;
    this.#longName = undefined;
    this.#longTarget = undefined;
  }

  #endContent(): void {
    const padding = tarPadding(this.#contentSize);
    this.#state = padding === 0 ? { kind: 'header' } : { kind: 'padding', left: padding };
  }

  /** Whether `content` is that of an extended header. */
  #takeExtension(content: Buffer, type: string): boolean {
    if (type === 'L' || type === 'K') {
      const text = findText(content, 0, content.length);
      const found = text.length === 0 ? undefined : text;
      if (type === 'L') this.#longName = found;
      else this.#longTarget = found;
      return true;
    }
    const records = parsePaxRecords(content);
    if (records === undefined) this.#fail('it has an extended header that cannot be read');
    else if (type === 'x') this.#records = records;
    else this.#takeGlobal(records);
    return this.#fault === undefined;
  }

  /** A member of its own to archive/tar: what stood before it is lost. */
  #takeGlobal(records: ReadonlyMap<string, Buffer>): void {
    const fault =
      this.#globalName === undefined || records.has('path')
        ? undefined
        : this.#tree.addGlobal(this.#globalName);
    this.#noteUnpackFault(fault);
    this.#forget();
  }

  #noteUnpackFault(what: string | undefined): void {
    if (what !== undefined) this.#unpackFault ??= `${what} (before byte ${this.#position})`;
  }

  #fail(what: string): void {
    this.#fault = `${what} (before byte ${this.#position})`;
    this.#state = { kind: 'over' };
  }
}

/** The root, which no xattrs are set for, and what is gone. */
const withoutXattrs = /^[./]*$|(?:^|\/)\.wh\.[^/]*\/?$/;

/** What Linux refuses of xattrs on any file system. */
function findXattrFault(records: ReadonlyMap<string, Buffer>, path: string): string | undefined {
  if (records === noRecords || withoutXattrs.test(path)) return undefined;
  for (const [key, value] of records) {
    if (!key.startsWith(xattrPrefix)) continue;
    const name = key.slice(xattrPrefix.length);
    if (name === '') return 'it has an xattr without a name';
    const isTooLong = Buffer.byteLength(name) > largestXattrName || value.length > largestXattr;
    if (isTooLong || !xattrKind.test(name))
      return `it has an xattr "${shorten(name, 40)}" that ${isTooLong ? 'is too long' : 'no file system has'}`;
  }
  return undefined;
}
