/** Changes gzip files by their parts (RFC 1952). */
import { gzipSync } from 'node:zlib';
import type { Random } from '../../sample/pseudo-content.mjs';
import { byteMutations, type Change, mutate, type Mutation, overwrite } from './bytes.ts';

/** Changes of a gzip file. */
export const gzipMutations: readonly Mutation<Buffer>[] = [
  // The magic number, method, flags, time, level and system.
  (random, gzip) => {
    const at = random.below(10);
    return overwrite(gzip, at, random.bytes(1), `byte ${at} of the header set`);
  },
  // CRC32 and size, at the end.
  (random, gzip) => {
    const at = gzip.length - 1 - random.below(8);
    return overwrite(gzip, Math.max(0, at), random.bytes(1), `byte ${at} of the trailer set`);
  },
  putMembersIn,
  putMembersIn,
  (random, gzip) => mutate(random, gzip, byteMutations),
];

function putMembersIn(random: Random, gzip: Buffer): Change {
  const count = random.pick([1, 100, 20_000]);
  const empty = gzipSync(Buffer.alloc(0));
  const zeros = gzipSync(Buffer.alloc(1024));
  const many = (one: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => one));
  const ways: readonly (readonly [string, readonly Buffer[]])[] = [
    [`${count} empty members behind`, [gzip, many(empty)]],
    [`${count} empty members in front`, [many(empty), gzip]],
    [`${count} members of zeros behind`, [gzip, many(zeros)]],
    ['the file twice', [gzip, gzip]],
    [`${count} zeros behind`, [gzip, Buffer.alloc(count)]],
    ['garbage behind', [gzip, random.bytes(50)]],
    ['50 MB of zeros behind', [gzip, gzipSync(Buffer.alloc(50_000_000), { level: 1 })]],
  ];
  const [note, parts] = ways[random.below(ways.length)] ?? ['nothing', [gzip]];
  return { result: Buffer.concat(parts), note };
}
