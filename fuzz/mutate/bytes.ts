/** Changes bytes without knowing what they mean. */
import type { Random } from '../../sample/pseudo-content.mjs';

/** Bytes after a change, and what was changed. */
export interface Change<T = Buffer> {
  readonly result: T;
  readonly note: string;
}

/** A way of changing; `undefined` where there is nothing to change. */
export type Mutation<T> = (random: Random, value: T) => Change<T> | undefined;

/** Lengths, counts and offsets at which programs go wrong. */
const oddNumbers = [
  ...[
    0n,
    1n,
    2n,
    3n,
    7n,
    127n,
    128n,
    255n,
    256n,
    511n,
    512n,
    513n,
    1024n,
    32_767n,
    32_768n,
    65_535n,
    65_536n,
  ],
  ...[2n ** 24n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 8n ** 11n - 1n, 2n ** 40n],
  ...[2n ** 53n - 1n, 2n ** 53n, 2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n],
];

/** One of the lengths, counts and offsets at which programs go wrong. */
export function oddNumber(random: Random): bigint {
  return oddNumbers[random.below(oddNumbers.length)] ?? 0n;
}

/** Changes `value` in one of these ways, of those that find something to change. */
export function mutate<T>(random: Random, value: T, ways: readonly Mutation<T>[]): Change<T> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const change = ways[random.below(ways.length)]?.(random, value);
    if (change !== undefined) return change;
  }
  return { result: value, note: 'nothing' };
}

/** Changes `value` so often, mostly once or twice; each change is told to `changes`. */
export function mutateOften<T>(random: Random, value: T, ways: readonly Mutation<T>[], changes: string[]): T {
  let current = value;
  for (let left = 1 + random.below(random.below(4) + 1); left > 0; left -= 1) {
    const { result, note } = mutate(random, current, ways);
    changes.push(note);
    current = result;
  }
  return current;
}

/** Flipped bits, odd numbers, ranges that are cut, doubled, exchanged, filled. */
export const byteMutations: readonly Mutation<Buffer>[] = [
  (random, bytes) => {
    const at = random.below(bytes.length);
    const bit = random.below(8);
    return overwrite(bytes, at, Buffer.of((bytes[at] ?? 0) ^ (1 << bit)), `bit ${bit} of byte ${at} flipped`);
  },
  (random, bytes) => {
    const at = random.below(bytes.length);
    return overwrite(bytes, at, random.bytes(1), `byte ${at} set`);
  },
  (random, bytes) => {
    const size = random.pick([1, 2, 4, 8]);
    const at = random.below(Math.max(1, bytes.length - size));
    const value = oddNumber(random);
    const field = Buffer.alloc(8);
    field.writeBigUInt64LE(value);
    const chosen = field.subarray(0, size);
    const isLittle = random.below(2) === 0;
    return overwrite(
      bytes,
      at,
      isLittle ? chosen : chosen.reverse(),
      `number ${value} in ${size} bytes at ${at}`,
    );
  },
  (random, bytes) => {
    const size = random.below(bytes.length);
    return { result: bytes.subarray(0, size), note: `cut to ${size} bytes` };
  },
  (random, bytes) => {
    const [start, end] = chooseRange(random, bytes);
    return { result: splice(bytes, start, end, Buffer.alloc(0)), note: `bytes ${start} to ${end} left out` };
  },
  (random, bytes) => {
    const [start, end] = chooseRange(random, bytes);
    const at = random.below(bytes.length + 1);
    return {
      result: splice(bytes, at, at, bytes.subarray(start, end)),
      note: `${start} to ${end} again at ${at}`,
    };
  },
  (random, bytes) => {
    const [start, end] = chooseRange(random, bytes);
    const fill = random.pick([0, 0, 0xff, 0x20, 0x30]);
    return overwrite(bytes, start, Buffer.alloc(end - start, fill), `${start} to ${end} filled with ${fill}`);
  },
  (random, bytes) => {
    const extra =
      random.below(2) === 0 ? random.bytes(1 + random.below(600)) : Buffer.alloc(random.below(2000));
    const at = random.pick([0, bytes.length, random.below(bytes.length + 1)]);
    return { result: splice(bytes, at, at, extra), note: `${extra.length} bytes put in at ${at}` };
  },
];

/** `bytes` with others from `at` on. */
export function overwrite(bytes: Buffer, at: number, value: Uint8Array, note: string): Change {
  const result = Buffer.from(bytes);
  result.set(value.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
  return { result, note };
}

/** `bytes` with `extra` in place of those from `start` to `end`. */
export function splice(bytes: Buffer, start: number, end: number, extra: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, start), extra, bytes.subarray(end)]);
}

/** Short ranges are likely, and all of it is possible. */
function chooseRange(random: Random, bytes: Buffer): readonly [start: number, end: number] {
  const start = random.below(bytes.length);
  const size = 1 + random.below(random.pick([4, 64, 1024, bytes.length]));
  return [start, Math.min(bytes.length, start + size)];
}
