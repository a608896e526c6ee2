/** Pseudo-random content that compresses as image layers do: the same seed gives the same bytes on every host. */
import { createHash } from 'node:crypto';

/**
 * @typedef {object} Random
 * @property {() => number} next A whole number from 0 to 2^32 - 1.
 * @property {(limit: number) => number} below A whole number from 0 to `limit` - 1.
 * @property {<T>(list: readonly [T, ...T[]]) => T} pick One element of `list`.
 * @property {(size: number) => Buffer} bytes `size` bytes that do not compress.
 */

/**
 * The generator sfc32 (PractRand), started from a hash of `seed`. Its period is long enough for terabytes, so that two
 * seeds never share a run that deduplication could find.
 * @param {string} seed
 * @returns {Random}
 */
export function createRandom(seed) {
  const digest = createHash('sha256').update(seed).digest();
  let a = digest.readInt32LE(0);
  let b = digest.readInt32LE(4);
  let c = digest.readInt32LE(8);
  let counter = digest.readInt32LE(12);
  const next = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let count = 0; count < 12; count += 1) next();
  const below = (/** @type {number} */ limit) => Math.floor((next() / 0x100000000) * limit);
  return {
    next,
    below,
    pick: (list) => list[below(list.length)] ?? list[0],
    bytes: (size) => {
      const filled = new Uint32Array(Math.ceil(size / 4));
      for (let index = 0; index < filled.length; index += 1) filled[index] = next();
      return Buffer.from(filled.buffer, 0, size);
    },
  };
}

/** @type {[string, ...string[]]} */
const verbs = ['find', 'load', 'save', 'check', 'render', 'count', 'merge', 'parse', 'send', 'queue'];
/** @type {[string, ...string[]]} */
const nouns = [
  'order',
  'stock',
  'price',
  'token',
  'batch',
  'report',
  'value',
  'state',
  'event',
  'region',
  'tax',
];

/**
 * `size` bytes that look like source code; xz makes about a fifth of them.
 * @param {Random} random
 * @param {number} size
 * @returns {Buffer}
 */
export function pseudoText(random, size) {
  const lines = [];
  for (let length = 0; length < size;) {
    const noun = random.pick(nouns);
    const line =
      random.below(3) === 0
        ? `\nfunction ${random.pick(verbs)}${random.below(5000)}(${noun}, ${random.pick(nouns)}) {\n`
        : `  ${noun}.${random.pick(verbs)}(${random.pick(nouns)}, ${random.below(100000)}); // ${random.next().toString(36)}\n`;
    lines.push(line);
    length += line.length;
  }
  return Buffer.from(lines.join('')).subarray(0, size);
}

/**
 * `size` bytes that look like machine code; xz makes about a third of them.
 * @param {Random} random
 * @param {number} size
 * @returns {Buffer}
 */
export function pseudoBinary(random, size) {
  const target = Buffer.alloc(size);
  const opcodes = random.bytes(1024 * 8);
  for (let position = 0; position < size; position += 10) {
    // The square makes low numbers frequent, as a few instructions are in real programs.
    const opcode = Math.floor((random.below(1024) * random.below(1024)) / 1024) * 8;
    opcodes.copy(target, position, opcode, opcode + 8);
    target[position + 8] = random.next() & 0xff;
  }
  return target;
}
