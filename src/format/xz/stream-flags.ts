/** Stream Flags (.xz 1.2.1 §2.1.1.2): which integrity check the blocks of a stream have. */
import { xzError } from './vli.ts';

/** The integrity check of a block's content (.xz 1.2.1 §2.1.1.2). */
export type CheckName = 'crc32' | 'crc64' | 'sha256';

/** A stream's check: those of a bundle, and foreign ones: none, and the ids that the format keeps for later. */
export type XzCheck = CheckName | 'none' | `reserved-${number}`;

export const streamFlagsSize = 2;

const checkIds: Readonly<Record<CheckName, number>> = { crc32: 0x01, crc64: 0x04, sha256: 0x0a };

/** The two bytes for `check`. */
export function encodeStreamFlags(check: CheckName): Uint8Array {
  return Uint8Array.of(0, checkIds[check]);
}

/** The check that `flags`, which stand at byte `position` of the file, name. Throws xz-unsupported for reserved bits. */
export function parseStreamFlags(flags: Uint8Array, position: number): XzCheck {
  const [first = 0, second = 0] = flags;
  if (first !== 0 || (second & 0xf0) !== 0) {
    throw xzError('xz-unsupported', 'stream flags', position, 'bits are set that this version does not know');
  }
  if (second === 0) return 'none';
  for (const name of ['crc32', 'crc64', 'sha256'] as const) if (checkIds[name] === second) return name;
  return `reserved-${second}`;
}
