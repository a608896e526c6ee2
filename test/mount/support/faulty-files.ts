/** Files that fail in every way a file can. */
import { BundleError } from '../../../src/ground/errors.ts';
import type { MountedFile, OpenFile } from '../../../src/mount/fuse/mounted-file.ts';
import { createGeneratedFile } from './generated-file.ts';

const size = 300_000;

function fileThat(faults: Partial<OpenFile>): MountedFile {
  return {
    size,
    open: async () => ({ ...(await createGeneratedFile({ size, seed: 1 }).open()), ...faults }),
  };
}

/** By name; each but `corrupt-late` fails from its first byte or at its opening. */
export const faultyFiles: Readonly<Record<string, MountedFile>> = {
  'rejects-corrupt': fileThat({
    tryRead: () => undefined,
    read: () => Promise.reject(new BundleError('block-corrupt', 'Cannot read "block": bad bytes found')),
  }),
  'corrupt-late': fileThat({
    tryRead: (target, position) => {
      if (position >= 128 * 1024) throw new BundleError('block-missing', 'Cannot read "block": not found');
      return target.fill(1).length;
    },
  }),
  'throws-at-once': fileThat({
    tryRead: () => {
      throw new TypeError('a mistake');
    },
  }),
  'reads-short': fileThat({ tryRead: (target) => target.length - 1 }),
  'opens-not': {
    size,
    open: () => {
      throw new BundleError('cache-failed', 'Cannot open "block": not found');
    },
  },
  'opens-not-later': { size, open: () => Promise.reject(new Error('no more handles')) },
  'closes-not': fileThat({
    close: () => {
      throw new Error('cannot close');
    },
  }),
};
