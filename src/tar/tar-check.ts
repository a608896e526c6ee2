/** Whether the bytes of a layer are a tar from its start to its end: what Go's archive/tar, and with it every engine, refuses of any header. */
import { isZero } from '../zeros.ts';
import { findContentSize, isTakenType } from './layer-member.ts';
import { largestPaxSize, parsePaxNumber, parsePaxRecords } from './pax-records.ts';
import { tarBlockSize, tarPadding } from './tar-header.ts';
import { readTarNumber } from './tar-field.ts';
import { isTarHeader, TarStart } from './tar-start.ts';

/** What comes next. `left` is in bytes. */
type State =
  | { readonly kind: 'header' | 'end' }
  /** Of a PAX header; `parts` is what has come of it. */
  | { readonly kind: 'records'; left: number; readonly parts: Uint8Array[]; readonly isGlobal: boolean }
  | { readonly kind: 'content'; left: number }
  | { readonly kind: 'padding'; left: number }
  /** Behind the end of the archive, where nobody looks, or behind a fault. */
  | { readonly kind: 'over' };

const noRecords: ReadonlyMap<string, Buffer> = new Map();

/** Follows the headers of a layer as it passes, by the sizes that they say; keeps nothing of its content. */
export class TarCheck {
  readonly #start = new TarStart();
  readonly #block = new Uint8Array(tarBlockSize);
  #filled = 0;
  #position = 0;
  #state: State = { kind: 'header' };
  #records = noRecords;
  /** Of the member or header whose content is passing. */
  #contentSize = 0;
  #fault: string | undefined;

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

  /** Why this is no tar: `it has no tar header before byte 1536`. Undefined where it may be one, and while too little has come to tell. */
  findFault(): string | undefined {
    return this.#start.findFault() ?? this.#fault;
  }

  /** Whether the bytes start as a tar does: with a fault behind that, they are a damaged one. */
  startsAsTar(): boolean {
    return this.#start.findFaultAtEnd() === undefined;
  }

  /** The same as findFault, at the end of the layer. The last padding and the end of the archive may be missing. */
  findFaultAtEnd(): string | undefined {
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
    if (state.kind === 'records') state.parts.push(Uint8Array.from(part));
    if (state.left > 0) return;
    if (state.kind === 'records' && !this.#readRecords(state.parts, state.isGlobal)) return;
    if (state.kind === 'padding') this.#state = { kind: 'header' };
    else this.#endContent();
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
    const size = findSize(block, isExtension ? noRecords : this.#records);
    if (size === undefined) this.#fail('it has no tar header');
    else if (isExtension && size > largestPaxSize) this.#fail('it has an extended header of too many bytes');
    else if (!isExtension && !isTakenType(type)) this.#fail(`it has a member of type "${type}"`);
    else {
      if (!isExtension) this.#records = noRecords;
      this.#contentSize = size;
      if (size === 0) this.#endContent();
      else if (type === 'x' || type === 'g')
        this.#state = { kind: 'records', left: size, parts: [], isGlobal: type === 'g' };
      else this.#state = { kind: 'content', left: size };
    }
  }

  #endContent(): void {
    const padding = tarPadding(this.#contentSize);
    this.#state = padding === 0 ? { kind: 'header' } : { kind: 'padding', left: padding };
  }

  /** Whether `parts` are records of PAX. */
  #readRecords(parts: readonly Uint8Array[], isGlobal: boolean): boolean {
    const records = parsePaxRecords(Buffer.concat(parts));
    if (records === undefined) this.#fail('it has an extended header that cannot be read');
    else if (!isGlobal) this.#records = records;
    return records !== undefined;
  }

  #fail(what: string): void {
    this.#fault = `${what} before byte ${this.#position}`;
    this.#state = { kind: 'over' };
  }
}

/** Size of the content behind a header; undefined where engines find none. */
function findSize(block: Uint8Array, records: ReadonlyMap<string, Buffer>): number | undefined {
  const size = findContentSize(block, records);
  if (size !== undefined || !isTarHeader(Buffer.from(block))) return size;
  // It has a number of 64 bits: a time, say, that engines take and nobody could write again.
  if ('123456'.includes(String.fromCharCode(block[156] ?? 0))) return 0;
  const said = records.get('size');
  return said === undefined ? readTarNumber(block, 124, 136) : parsePaxNumber(said);
}
