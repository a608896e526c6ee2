/** Puts the addon's read module into libfuse 2, where it answers reads of a mount without JavaScript. */
import { BundleError } from '../ground/errors.ts';
import { loadAddon } from './load-addon.ts';

/** What goes behind libfuse's option `modules=`; native/read-module.h has it too. */
export const readModuleName = 'bundlefs_reads';

/**
 * Makes the module known to the libfuse of this process, which fuse-native must have loaded; for the main thread. A
 * mount with the module in its options then reads open files with the number of a ReadHandle from its table, in
 * libfuse's threads; everything else, and each read that fails, still comes to JavaScript.
 * Throws addon-unavailable, and mount-unavailable where that libfuse cannot take the module.
 */
export function registerReadModule(): void {
  const obstacle = loadAddon().registerReadModule();
  if (obstacle === undefined) return;
  throw new BundleError('mount-unavailable', `Cannot read natively: ${obstacle}`);
}
