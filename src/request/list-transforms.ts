/** What a project file says is made of its images. */
import { BundleError } from '../ground/errors.ts';
import type { Transform } from '../transforms/transform.ts';
import type { ProjectFile } from './project-file.ts';

/**
 * The transforms of `project`. They are for its own images: of others, where `isOfProject` is not so, none need be meant.
 * A thin image that would be no smaller stays as it is, for a mount must go on. Throws invalid-argument.
 */
export function listTransforms(project: ProjectFile | undefined, isOfProject: boolean): Transform[] {
  return (project?.transforms ?? []).map((one): Transform => {
    const { as, keep } = one;
    if (keep === true && as === undefined) throw needsName('squash' in one ? one.squash : one.thin);
    const base = { as, keep, mustMatch: isOfProject };
    if ('squash' in one) {
      const { squash, last, fromLayer } = one;
      if (last !== undefined && fromLayer !== undefined) throw twoWays(squash);
      const layers =
        last !== undefined ? { last } : fromLayer !== undefined ? { from: fromLayer } : undefined;
      return { kind: 'squash', image: squash, ...base, layers };
    }
    const { thin, on, onFrom, ignoreMtime } = one;
    return {
      ...{ kind: 'thin', image: thin, on, ...base, whenLarger: 'leave' },
      onFrom,
      ignoreMtime,
    };
  });
}

function needsName(image: string): BundleError {
  return new BundleError(
    'invalid-argument',
    `Cannot keep "${image}" beside what is made of it: both would have one name`,
    {
      hint: 'Give the new one another name with "as" in bundlefs.yaml.',
    },
  );
}

function twoWays(image: string): BundleError {
  return new BundleError(
    'invalid-argument',
    `Cannot squash "${image}": "last" and "fromLayer" say the same in two ways`,
    {
      hint: 'Leave one of them out in bundlefs.yaml.',
    },
  );
}
