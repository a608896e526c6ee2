/** Changes .xz files by their parts (.xz 1.2.1), with CRC32s that fit. */
import { crc32 } from 'node:zlib';
import type { Random } from '../../sample/pseudo-content.mjs';
import { encodeIndex } from '../../src/format/xz/index-field.ts';
import { writeVli, vliSize } from '../../src/format/xz/vli.ts';
import { byteMutations, type Change, mutate, type Mutation, oddNumber } from './bytes.ts';

/** The parts of a .xz file with one Stream. */
interface Parts {
  readonly header: Buffer;
  readonly blocks: readonly Buffer[];
  readonly index: Buffer;
  readonly footer: Buffer;
}

/** The 32 bytes of an empty Stream: header, an index without records, footer. */
const emptyStream = Buffer.concat([
  Buffer.from('fd377a585a000004e6d6b446', 'hex'),
  encodeIndex([]),
  Buffer.from('1fb6f37d010000000004595a', 'hex'),
]);

/** Changes of a .xz file with one Stream. */
export const xzMutations: readonly Mutation<Buffer>[] = [
  (random, xz) => changeParts(xz, (parts) => changeBlockHeader(random, parts)),
  (random, xz) => changeParts(xz, (parts) => changeBlockHeader(random, parts)),
  (random, xz) => changeParts(xz, (parts) => changeBlockData(random, parts)),
  (random, xz) => changeParts(xz, (parts) => changeIndex(random, parts)),
  (random, xz) => changeParts(xz, (parts) => changeFlags(random, parts)),
  (random, xz) => changeParts(xz, (parts) => changeBlocks(random, parts)),
  (random, xz) => changeStreams(random, xz),
  (random, xz) => mutate(random, xz, byteMutations),
];

function changeStreams(random: Random, xz: Buffer): Change {
  const padding = Buffer.alloc(random.pick([1, 2, 3, 4, 8, 1024, 100_000]));
  const count = random.pick([1, 2, 1000, 20_000]);
  const many = Buffer.concat(Array.from({ length: count }, () => emptyStream));
  const ways: readonly (readonly [string, readonly Buffer[]])[] = [
    [`${padding.length} zeros behind`, [xz, padding]],
    [`${padding.length} zeros in front`, [padding, xz]],
    ['the file twice', [xz, padding.subarray(0, 4), xz]],
    [`${count} empty streams behind`, [xz, many]],
    [`${count} empty streams in front`, [many, xz]],
    ['garbage behind', [xz, random.bytes(100)]],
  ];
  const [note, parts] = ways[random.below(ways.length)] ?? ['nothing', [xz]];
  return { result: Buffer.concat(parts), note };
}

function changeBlockHeader(random: Random, parts: Parts): Change<Parts> {
  const at = random.below(parts.blocks.length);
  const block = Buffer.from(parts.blocks[at] ?? Buffer.alloc(0));
  const size = ((block[0] ?? 0) + 1) * 4;
  const position = random.below(size - 4);
  const value = random.pick([0, 1, 0x21, 40, 41, 0x7f, 0x80, 0xff, random.below(256)]);
  block[position] = value;
  const isSealed = random.below(6) > 0 && size <= block.length;
  if (isSealed) block.writeUInt32LE(crc32(block.subarray(0, size - 4)), size - 4);
  return {
    result: { ...parts, blocks: parts.blocks.map((one, index) => (index === at ? block : one)) },
    note: `byte ${position} of the header of block ${at} is ${value}${isSealed ? '' : ' without a CRC'}`,
  };
}

function changeBlockData(random: Random, parts: Parts): Change<Parts> {
  const at = random.below(parts.blocks.length);
  const block = parts.blocks[at] ?? Buffer.alloc(0);
  const size = ((block[0] ?? 0) + 1) * 4;
  const { result, note } = mutate(random, block.subarray(size), byteMutations);
  const changed = Buffer.concat([block.subarray(0, size), result]);
  return {
    result: { ...parts, blocks: parts.blocks.map((one, index) => (index === at ? changed : one)) },
    note: `data of block ${at}: ${note}`,
  };
}

/** Numbers of the index become others; its CRC fits, and the footer says its size. */
function changeIndex(random: Random, parts: Parts): Change<Parts> {
  const index = Buffer.from(parts.index);
  const position = 1 + random.below(index.length - 5);
  const odd = oddNumber(random);
  const number = Number(odd < 2n ** 53n ? odd : 2n ** 53n - 1n);
  const written = Buffer.alloc(vliSize(number));
  writeVli(written, 0, number);
  const body = Buffer.concat([
    index.subarray(0, position),
    written,
    index.subarray(position + random.below(3), -4),
  ]);
  const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
  return {
    result: { ...parts, ...sealIndex(padded, parts.footer) },
    note: `${number} at byte ${position} of the index`,
  };
}

/** Blocks that are missing, doubled or exchanged, with an index that says so or does not. */
function changeBlocks(random: Random, parts: Parts): Change<Parts> {
  const from = random.below(parts.blocks.length);
  const to = random.below(parts.blocks.length + 1);
  const block = parts.blocks[from] ?? Buffer.alloc(0);
  const without = parts.blocks.filter((_, index) => index !== from);
  const blocks = random.pick([
    without,
    [...parts.blocks.slice(0, to), block, ...parts.blocks.slice(to)],
    [...without.slice(0, to), block, ...without.slice(to)],
  ]);
  return { result: { ...parts, blocks }, note: `block ${from} left out, doubled or moved to ${to}` };
}

/** Another check, or flags of the future, in header and footer or in one of them. */
function changeFlags(random: Random, parts: Parts): Change<Parts> {
  const flags = Buffer.of(random.pick([0, 0, 0, 1]), random.pick([0, 1, 4, 10, 2, 15, 16, 0xff]));
  const header = Buffer.from(parts.header);
  const footer = Buffer.from(parts.footer);
  const which = random.below(3);
  if (which !== 0) {
    flags.copy(header, 6);
    header.writeUInt32LE(crc32(header.subarray(6, 8)), 8);
  }
  if (which !== 1) {
    flags.copy(footer, 8);
    footer.writeUInt32LE(crc32(footer.subarray(4, 10)), 0);
  }
  return { result: { ...parts, header, footer }, note: `stream flags ${flags.toString('hex')} (${which})` };
}

function changeParts(xz: Buffer, change: (parts: Parts) => Change<Parts>): Change | undefined {
  const parts = split(xz);
  if (parts === undefined || parts.blocks.length === 0) return undefined;
  const { result, note } = change(parts);
  return { result: Buffer.concat([result.header, ...result.blocks, result.index, result.footer]), note };
}

/** Undefined for what was changed before. */
function split(xz: Buffer): Parts | undefined {
  if (xz.length < 32 || xz.toString('latin1', xz.length - 2) !== 'YZ') return undefined;
  const footer = xz.subarray(-12);
  const indexSize = (footer.readUInt32LE(4) + 1) * 4;
  const indexStart = xz.length - 12 - indexSize;
  if (indexStart < 12) return undefined;
  const index = xz.subarray(indexStart, -12);
  const blocks: Buffer[] = [];
  let position = 12;
  let cursor = 1;
  const take = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = index[cursor] ?? 0;
      cursor += 1;
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  };
  for (let left = Math.min(take(), 1000); left > 0; left -= 1) {
    const end = position + Math.ceil(take() / 4) * 4;
    take();
    if (end > indexStart || end <= position) return undefined;
    blocks.push(xz.subarray(position, end));
    position = end;
  }
  return position === indexStart ? { header: xz.subarray(0, 12), blocks, index, footer } : undefined;
}

function sealIndex(body: Buffer, oldFooter: Buffer): Pick<Parts, 'index' | 'footer'> {
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(body));
  const index = Buffer.concat([body, sum]);
  const footer = Buffer.from(oldFooter);
  footer.writeUInt32LE(index.length / 4 - 1, 4);
  footer.writeUInt32LE(crc32(footer.subarray(4, 10)), 0);
  return { index, footer };
}
