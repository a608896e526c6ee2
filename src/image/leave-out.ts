/** What sources do about single images that no engine would load. */
import { type BundleError, type ErrorCode, isBundleError } from '../ground/errors.ts';

/**
 * Told of an image that no engine loads, which `isNamed` where the user asked for just that image, and not for a pattern or
 * for all. Returns where the source is to go on without it; throws `error` where not.
 */
export type LeaveOut = (error: BundleError, isNamed: boolean) => void;

/** Of one image: it is none, or its parts are not what engines take, or cannot be read, or are not all there. */
const faultsOfImage: readonly ErrorCode[] = [
  ...(['image-unsupported', 'config-corrupt', 'config-missing', 'config-mismatch'] as const),
  ...(['layer-missing', 'layer-mismatch', 'archive-corrupt', 'archive-unsupported'] as const),
];

/** What `read` returns, or undefined where its image is left out. Throws what `read` throws, without `leaveOut` in any case. */
export async function readUnlessLeftOut<T>(
  read: () => T | Promise<T>,
  isNamed: boolean,
  leaveOut: LeaveOut | undefined,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (leaveOut === undefined || !isBundleError(error, ...faultsOfImage)) throw error;
    leaveOut(error, isNamed);
    return undefined;
  }
}
