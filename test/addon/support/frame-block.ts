/** A one-block .xz Stream around a block (.xz 1.2.1 §2.1), written apart from src/format/xz so that the two can disagree. */
import { crc32 } from 'node:zlib';
import type { EncodedBlock } from '../../../src/addon/block-codec.ts';
import type { CheckName } from '../../../src/format/xz/stream-flags.ts';

const checkIds: Readonly<Record<CheckName, number>> = { crc32: 1, crc64: 4, sha256: 10 };

/** The .xz file whose only block is `block`, with content of `uncompressedSize` bytes. */
export function frameBlock(
  block: Pick<EncodedBlock, 'bytes' | 'unpaddedSize'>,
  check: CheckName,
  uncompressedSize: number,
): Buffer {
  const flags = Buffer.from([0, checkIds[check]]);
  const fields = [0, 1, ...variableLength(block.unpaddedSize), ...variableLength(uncompressedSize)];
  while (fields.length % 4 !== 0) fields.push(0);
  const index = withCrc32(Buffer.from(fields));
  const tail = Buffer.alloc(6);
  tail.writeUInt32LE(index.length / 4 - 1, 0);
  flags.copy(tail, 4);
  return Buffer.concat([
    Buffer.from('fd377a585a00', 'hex'),
    withCrc32(flags),
    block.bytes,
    index,
    crc32Of(tail),
    tail,
    Buffer.from('YZ'),
  ]);
}

/** .xz 1.2.1 §1.2. */
function variableLength(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}

function withCrc32(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, crc32Of(bytes)]);
}

function crc32Of(bytes: Buffer): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(bytes));
  return sum;
}
