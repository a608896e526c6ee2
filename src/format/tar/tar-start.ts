/** Whether bytes start as a layer must: what Go's archive/tar, and with it every engine, asks of the first blocks of a tar. */
import { tarBlockSize } from './tar-header.ts';

/** Looks at the first bytes of a layer as they pass. */
export class TarStart {
  /** A zero block counts together with the one behind it. */
  readonly #start = Buffer.alloc(2 * tarBlockSize);
  #size = 0;
  #fault: string | undefined;

  /** Looks at the next bytes; keeps none of them. */
  push(chunk: Uint8Array): void {
    const room = this.#start.length - Math.min(this.#size, this.#start.length);
    if (room > 0) this.#start.set(chunk.subarray(0, room), this.#size);
    this.#size += chunk.length;
    if (room > 0 && this.#size >= this.#start.length) this.#fault = findStartFault(this.#start);
  }

  /** Why this is no tar: `it does not start with a tar header`. Undefined where it may be one, and while too little has come to tell. */
  findFault(): string | undefined {
    return this.#fault;
  }

  /** The same, at the end of the layer. */
  findFaultAtEnd(): string | undefined {
    return this.#size < this.#start.length
      ? findStartFault(this.#start.subarray(0, this.#size))
      : this.#fault;
  }
}

/** What engines decompress before they look for a tar (moby pkg/archive, "DetectCompression"). */
const compressed = /^(?:425a68|1f8b08|fd377a585a00|28b52ffd|5.2a4d18)/;
/** Mode, owner, group, size, time. */
const numberFields = [
  [100, 108],
  [108, 116],
  [116, 124],
  [124, 136],
  [136, 148],
] as const;
/** In headers with a magic only. */
const deviceFields = [
  [329, 337],
  [337, 345],
] as const;
const sumField = [148, 156] as const;
const sizeField = [124, 136] as const;

/** `start` has all of a shorter layer. Nothing at all is a tar without members, as is one block of zeros (archive/tar, "readHeader"). */
function findStartFault(start: Buffer): string | undefined {
  if (start.length === 0) return undefined;
  if (compressed.test(start.toString('hex', 0, 6))) return 'it starts as compressed data does';
  if (start.length < tarBlockSize) return `it has ${start.length} bytes, fewer than a tar header`;
  const first = start.subarray(0, tarBlockSize);
  if (!isZero(first)) return isTarHeader(first) ? undefined : 'it does not start with a tar header';
  const second = start.subarray(tarBlockSize);
  const isEnd = second.length % tarBlockSize === 0 && isZero(second);
  return isEnd ? undefined : 'it starts with one block of zeros, and no second one';
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

/** Whether `block` is a header as archive/tar's "getFormat" and "readHeader" have it: the checksum fits, and the numbers are numbers. */
export function isTarHeader(block: Buffer): boolean {
  const { unsigned, signed } = sumHeader(block);
  const sum = readOctal(block, sumField);
  if (sum !== unsigned && sum !== signed) return false;
  const hasMagic = /^ustar(?:\0| {2}\0)/.test(block.toString('latin1', 257, 265));
  const fields = hasMagic ? [...numberFields, ...deviceFields] : numberFields;
  if (!fields.every((field) => readWideNumber(block, field) !== undefined)) return false;
  const hasContent = !/[1-6]/.test(String.fromCharCode(block[156] ?? 0));
  return !hasContent || (readWideNumber(block, sizeField) ?? 0n) >= 0n;
}

/** The checksum counts itself as eight spaces; old writers took bytes as signed. */
function sumHeader(block: Buffer): { readonly unsigned: bigint; readonly signed: bigint } {
  const [start, end] = sumField;
  let unsigned = 8 * 0x20;
  let highCount = 0;
  for (const [position, byte] of block.entries()) {
    if (position >= start && position < end) continue;
    unsigned += byte;
    if (byte > 0x7f) highCount += 1;
  }
  return { unsigned: BigInt(unsigned), signed: BigInt(unsigned - 256 * highCount) };
}

/** archive/tar's "parseNumeric", also of what no number of JavaScript holds: octal, or with its top bit set a signed big-endian number of 64 bits. Undefined where it is none. */
export function readWideNumber(block: Buffer, [start, end]: readonly [number, number]): bigint | undefined {
  if ((block[start] ?? 0) < 0x80) return readOctal(block, [start, end]);
  const bits = 8 * (end - start) - 1;
  const value = BigInt.asIntN(bits, BigInt(`0x${block.toString('hex', start, end)}`));
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

/** archive/tar's "parseOctal": NULs and spaces around it do not count, and nothing is zero. */
function readOctal(block: Buffer, [start, end]: readonly [number, number]): bigint | undefined {
  const field = block.toString('latin1', start, end).replace(/^[ \0]+|[ \0]+$/g, '');
  const [text = ''] = field.split('\0');
  if (text === '') return 0n;
  return /^[0-7]+$/.test(text) ? BigInt(`0o${text}`) : undefined;
}
