/** Changes zstd files by their parts (RFC 8878). */
import type { Random } from '../../sample/pseudo-content.mjs';
import { byteMutations, type Change, mutate, type Mutation, oddNumber, splice } from './bytes.ts';

interface Block {
  /** Where its header stands. */
  readonly start: number;
  readonly end: number;
}

interface Frame {
  readonly start: number;
  readonly end: number;
  readonly blocks: readonly Block[];
}

const magic = Buffer.from('28b52ffd', 'hex');

/** Changes of a file of zstd frames. */
export const zstdMutations: readonly Mutation<Buffer>[] = [
  changeFrameHeader,
  changeBlockHeader,
  changeBlockHeader,
  putBlocksIn,
  changeFrames,
  putFramesIn,
  putFramesIn,
  (random, zst) => mutate(random, zst, byteMutations),
];

/** The descriptor's bits, the window, sizes: the bytes behind the magic number. */
function changeFrameHeader(random: Random, zst: Buffer): Change | undefined {
  const frame = pick(random, split(zst));
  const first = frame?.blocks[0];
  if (frame === undefined || first === undefined) return undefined;
  const at = frame.start + 4 + random.below(Math.max(1, first.start - frame.start - 4));
  const value = random.pick([
    0,
    0x20,
    0x40,
    0x60,
    0x80,
    0xa0,
    0xe0,
    0x04,
    0xff,
    0x88,
    0xf8,
    random.below(256),
  ]);
  const result = Buffer.from(zst);
  result[at] = value;
  return { result, note: `byte ${at - frame.start} of a frame is ${value}` };
}

/** Its type, or its size. */
function changeBlockHeader(random: Random, zst: Buffer): Change | undefined {
  const block = pick(random, pick(random, split(zst))?.blocks ?? []);
  if (block === undefined) return undefined;
  const header = zst.readUIntLE(block.start, 3);
  const type = random.below(4);
  const size = random.pick([header >>> 3, 0, 1, 2 ** 17, 2 ** 17 + 1, 2 ** 21 - 1, random.below(2 ** 21)]);
  const result = Buffer.from(zst);
  result.writeUIntLE(((size << 3) | (type << 1) | random.pick([header & 1, 0, 1])) >>> 0, block.start, 3);
  return { result, note: `a block of type ${type} and ${size} bytes at ${block.start}` };
}

/** Thousands of blocks that hold nothing, or one byte for 128 KiB. */
function putBlocksIn(random: Random, zst: Buffer): Change | undefined {
  const block = pick(random, pick(random, split(zst))?.blocks ?? []);
  if (block === undefined) return undefined;
  const isRle = random.below(2) === 0;
  const count = random.pick(isRle ? [1, 10, 400] : [1, 100, 30_000]);
  const one = Buffer.alloc(isRle ? 4 : 3);
  one.writeUIntLE(isRle ? (2 ** 17 * 8) | 2 : 0, 0, 3);
  const many = Buffer.concat(Array.from({ length: count }, () => one));
  return {
    result: splice(zst, block.start, block.start, many),
    note: `${count} ${isRle ? 'RLE' : 'empty'} blocks at ${block.start}`,
  };
}

function changeFrames(random: Random, zst: Buffer): Change | undefined {
  const frames = split(zst);
  const frame = pick(random, frames);
  const other = pick(random, frames);
  if (frame === undefined || other === undefined) return undefined;
  const bytes = zst.subarray(frame.start, frame.end);
  const ways: readonly Change[] = [
    {
      result: splice(zst, frame.start, frame.end, Buffer.alloc(0)),
      note: `the frame at ${frame.start} left out`,
    },
    {
      result: splice(zst, other.start, other.start, bytes),
      note: `the frame at ${frame.start} again at ${other.start}`,
    },
    { result: zst.subarray(0, frame.end), note: `nothing behind ${frame.end}` },
  ];
  return ways[random.below(ways.length)];
}

/** Frames without content, frames to skip with sizes that lie, frames that are all one byte. */
function putFramesIn(random: Random, zst: Buffer): Change {
  const frames = split(zst);
  const at = random.pick([0, zst.length, pick(random, frames)?.start ?? 0]);
  const count = random.pick([1, 2, 100, 20_000]);
  const skippable = Buffer.from('502a4d1800000000', 'hex');
  const lying = Buffer.from(skippable);
  lying.writeUInt32LE(Number(oddNumber(random) % 2n ** 32n), 4);
  // Single_Segment without content, and one that wants the largest window that is read: 128 MiB.
  const empty = Buffer.concat([magic, Buffer.from('2000010000', 'hex')]);
  const wide = Buffer.concat([magic, Buffer.from('0088010000', 'hex')]);
  const one = Buffer.alloc(4);
  one.writeUIntLE((2 ** 17 * 8) | 2, 0, 3);
  const zeros = Buffer.concat([
    magic,
    Buffer.from('0038', 'hex'), // a window of 128 KiB
    ...Array.from({ length: random.pick([1, 100, 8000]) }, () => one),
    Buffer.from('010000', 'hex'),
  ]);
  const ways: readonly (readonly [string, Buffer, number])[] = [
    ['frames of zeros, 128 KiB for each 4 bytes', zeros, 1],
    ['skippable frames', skippable, count],
    ['a skippable frame that lies', lying, 1],
    ['empty frames', empty, count],
    ['empty frames with a window of 128 MiB', wide, count],
  ];
  const [note, frame, times] = ways[random.below(ways.length)] ?? ['nothing', Buffer.alloc(0), 1];
  const many = Buffer.concat(Array.from({ length: times }, () => frame));
  return { result: splice(zst, at, at, many), note: `${times} ${note} at ${at}` };
}

function pick<T>(random: Random, list: readonly T[]): T | undefined {
  return list[random.below(list.length)];
}

/** The frames that can be told, from the first on; skippable ones are passed over. */
function split(zst: Buffer): Frame[] {
  const frames: Frame[] = [];
  let position = 0;
  while (position + 8 <= zst.length && frames.length < 200) {
    if (zst.readUInt32LE(position) >>> 4 === 0x184d2a5) {
      position += 8 + zst.readUInt32LE(position + 4);
      continue;
    }
    if (!zst.subarray(position, position + 4).equals(magic)) break;
    const frame = readFrame(zst, position);
    if (frame === undefined) break;
    frames.push(frame);
    position = frame.end;
  }
  return frames;
}

/** §3.1.1.1: descriptor, window, dictionary, content size; then blocks until the last one, and a checksum. */
function readFrame(zst: Buffer, start: number): Frame | undefined {
  const descriptor = zst[start + 4] ?? 0;
  const isSingle = (descriptor & 0x20) !== 0;
  const dictionarySize = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const contentSize = [isSingle ? 1 : 0, 2, 4, 8][descriptor >>> 6] ?? 0;
  let position = start + 5 + (isSingle ? 0 : 1) + dictionarySize + contentSize;
  const blocks: Block[] = [];
  for (;;) {
    if (position + 3 > zst.length || blocks.length > 2000) return undefined;
    const header = zst.readUIntLE(position, 3);
    const end = position + 3 + (((header >>> 1) & 3) === 1 ? 1 : header >>> 3);
    if (end > zst.length) return undefined;
    blocks.push({ start: position, end });
    position = end;
    if ((header & 1) !== 0) break;
  }
  const end = Math.min(zst.length, position + ((descriptor & 4) === 0 ? 0 : 4));
  return { start, end, blocks };
}
