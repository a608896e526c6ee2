/** A recipe where an archive is wanted: an easy slip, for both stand for images. */
import { BundleError } from '../../ground/errors.ts';

/** Throws archive-unsupported where `path` is the name of a JSON file, with what takes one. */
export function refuseDocument(path: string): void {
  if (!path.endsWith('.json')) return;
  throw new BundleError('archive-unsupported', `Cannot read "${path}": it is JSON, an archive was expected`, {
    hint: `The images of a recipe are taken with --from recipe:${path}, by plan for one, which says what they are.`,
  });
}
