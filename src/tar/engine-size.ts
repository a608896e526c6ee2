/** How much content engines find behind a header: they take numbers of 64 bits, and no two numbers in one field. */
import { findContentSize } from './layer-member.ts';
import { parsePaxNumber } from './pax-records.ts';
import { readTarNumber } from './tar-field.ts';
import { isTarHeader } from './tar-start.ts';

/** GNU tar reads a number that ends at a space; archive/tar wants nothing else behind it. Or it is the next field. */
const digitsApart = /[0-7] +[0-7]/;

/** Size of the content behind a header as the extended one and the block have it; undefined where engines find no header. */
export function findEngineSize(block: Uint8Array, records: ReadonlyMap<string, Buffer>): number | undefined {
  const size = findContentSize(block, records);
  const mayBeOdd =
    size === undefined || digitsApart.test(Buffer.from(block.subarray(100, 148)).toString('latin1'));
  if (!mayBeOdd) return size;
  if (!isTarHeader(Buffer.from(block))) return undefined;
  if (size !== undefined) return size;
  // It has a number of 64 bits: a time, say, that engines take and nobody could write again.
  if ('123456'.includes(String.fromCharCode(block[156] ?? 0))) return 0;
  const said = records.get('size');
  return said === undefined ? readTarNumber(block, 124, 136) : parsePaxNumber(said);
}
