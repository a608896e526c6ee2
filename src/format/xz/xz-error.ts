/** The errors of reading a .xz file, which say where in it they are. */
import { BundleError, type ErrorCode } from '../../ground/errors.ts';

/** The error for `part` (`index`, `stream footer` …), which stands at byte `position` of the file. */
export function xzError(
  code: Extract<ErrorCode, `xz-${string}`>,
  part: string,
  position: number,
  found: string,
): BundleError {
  return new BundleError(code, `Cannot read xz ${part} at byte ${position}: ${found}`);
}
