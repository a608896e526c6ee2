/** The scan for cut points, natively: what src/plan/cut/content-cutter.ts does with every byte of a big file. */
import type { GearScan } from '../plan/cut/piece-cutter.ts';
import { loadAddon } from './load-addon.ts';

/**
 * A GearScan (src/plan/cut/piece-cutter.ts). Runs on this thread, at 1 to 2 GB/s. Throws RangeError for a range outside of
 * `bytes`, for a table that has not 256 entries, and where there is no room for the hash.
 */
export const scanGearNatively: GearScan = (bytes, start, end, mask, hash, table) => {
  if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && end <= bytes.length)) {
    throw new RangeError(`Bytes ${start} to ${end} of ${bytes.length}`);
  }
  if (table.length !== 256 || hash.length === 0) {
    throw new RangeError('A gear hash has a table of 256 entries and a place for its value');
  }
  return loadAddon().scanGear(bytes, start, end, mask, hash, table);
};
