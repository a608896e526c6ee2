/** Versions of the engine's API (docker docs, "API version matrix"). */
import { BundleError } from '../../../ground/errors.ts';
import type { EngineEndpoint } from './engine-endpoint.ts';
import { describeEngine } from './engine-error.ts';

/** The oldest that answers as expected here, and the newest of which that is known (docker 28.5). */
const oldestVersion = '1.24';
const newestVersion = '1.51';

/** Whether the version `a` is at least `b`, by number: 1.9 is older than 1.41. */
export function isVersionAtLeast(a: string, b: string): boolean {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA > majorB || (majorA === majorB && minorA >= minorB);
}

/**
 * The version to speak with an engine whose newest is `newest`, as its `Api-Version` header has it. Throws source-failed
 * where that is too old, or says nothing.
 */
export function chooseVersion(endpoint: EngineEndpoint, newest: string): string {
  if (!/^\d+\.\d+$/.test(newest)) {
    throw new BundleError(
      'source-failed',
      `Cannot use ${describeEngine(endpoint)}: it does not say which version of the API it speaks`,
      { hint: 'What listens there is something else than docker, or older than version 1.12.' },
    );
  }
  if (!isVersionAtLeast(newest, oldestVersion)) {
    throw new BundleError(
      'source-failed',
      `Cannot use ${describeEngine(endpoint)}: it speaks version ${newest} of the API, ${oldestVersion} or newer was expected`,
      { hint: 'Docker 1.12, of 2016, is the oldest that will do. Use a newer one.' },
    );
  }
  return isVersionAtLeast(newest, newestVersion) ? newestVersion : newest;
}
