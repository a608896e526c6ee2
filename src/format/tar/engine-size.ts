/** How much content engines find behind a header: they take numbers of 64 bits, and no two numbers in one field. */
import { findContentSize } from './layer-member.ts';
import { parsePaxNumber } from './pax-records.ts';
import { readTarNumber } from './tar-field.ts';
import { isTarHeader } from './tar-start.ts';

/** Size of the content behind a header as the extended one and the block have it; undefined where engines find no header. */
export function findEngineSize(block: Uint8Array, records: ReadonlyMap<string, Buffer>): number | undefined {
  const size = findContentSize(block, records);
  const mayBeOdd = size === undefined || hasDigitsApart(block);
  if (!mayBeOdd) return size;
  if (!isTarHeader(Buffer.from(block))) return undefined;
  if (size !== undefined) return size;
  // It has a number of 64 bits: a time, say, that engines take and nobody could write again.
  if ('123456'.includes(String.fromCharCode(block[156] ?? 0))) return 0;
  const said = records.get('size');
  return said === undefined ? readTarNumber(block, 124, 136) : parsePaxNumber(said);
}

/**
 * Whether there are blanks between digits from mode to time. GNU tar reads a number up to a blank, and archive/tar wants
 * nothing else behind it; but what is behind it may be the next field's.
 */
function hasDigitsApart(block: Uint8Array): boolean {
  let isBehindDigit = false;
  for (let position = modeStart; position < timeEnd; position += 1) {
    const byte = block[position] ?? 0;
    const isDigit = byte >= 0x30 && byte <= 0x37;
    if (isDigit && isBehindDigit && block[position - 1] === 0x20) return true;
    if (byte !== 0x20) isBehindDigit = isDigit;
  }
  return false;
}

const [modeStart, timeEnd] = [100, 148];
