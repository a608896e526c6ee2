/** Turns what the system says of the place that a copy goes to into what the user can do about it. */
import { BundleError, describeError, findErrno, isBundleError } from '../../ground/errors.ts';

const goesOn = 'What is written is kept: the same command goes on from there.';

/** Runs `action`, which writes to `folder` or reads back from it; what the system says against it comes out as output-full or output-failed. */
export async function withTargetErrors<T>(folder: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (isBundleError(error) || findErrno(error) === undefined) throw error;
    throw targetError(folder, error);
  }
}

function targetError(folder: string, error: unknown): BundleError {
  const said = describeError(error);
  const fail = (found: string, hint?: string): BundleError =>
    new BundleError('output-failed', `Cannot copy to "${folder}": ${found}`, {
      cause: error,
      hint,
    });
  switch (findErrno(error) ?? '') {
    case 'ENOSPC':
    case 'EDQUOT':
      return new BundleError('output-full', `Cannot copy to "${folder}": no space is left there`, {
        cause: error,
        hint: `Something else has written there meanwhile. Make room. ${goesOn}`,
      });
    case 'EFBIG':
      return fail('a file is too large for the file system there', 'Split it: --media fat32');
    case 'EROFS':
      return fail(
        'the file system there has become read-only, as the kernel makes it after an error',
        `See dmesg; a stick that does that again is worn out. ${goesOn}`,
      );
    case 'EIO':
    case 'ENODEV':
    case 'ENXIO':
    case 'ESTALE':
    case 'ENOTCONN':
    case 'ESHUTDOWN':
      return fail(
        `the device does not answer any more (${said})`,
        `If it was pulled out, mount it again. ${goesOn}`,
      );
    default:
      return fail(said, goesOn);
  }
}
