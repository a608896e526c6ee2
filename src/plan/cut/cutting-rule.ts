/** The rule that layers are cut by: the one place where it is chosen. */
import { createFileCutter, fileCutterName } from './file-cutter.ts';
import type { GearScan, PieceCutter } from './piece-cutter.ts';

/**
 * The rule in use. Its name is part of the profile: another name, and no layer record is found that it did not make.
 * A `scan` that is given does the same as the rule's own, but faster.
 */
export const cuttingRule: {
  readonly name: string;
  readonly createCutter: (scan?: GearScan) => PieceCutter;
} = {
  name: fileCutterName,
  createCutter: createFileCutter,
};
