/** Refuses deltas for kinds of engines that take none (docs/decisions/0076). */
import { BundleError } from '../../ground/errors.ts';
import { type EngineKind, whyFilesNeedAllLayers } from '../../image/engine-kinds.ts';

/** Throws invalid-argument for kinds of engines that take no file without the layers that they have, and says why. */
export function checkEngineKind(kind: EngineKind): asserts kind is 'docker' | 'containerd-store' {
  const reason = whyFilesNeedAllLayers(kind);
  if (reason === undefined) return;
  throw new BundleError('invalid-argument', `Cannot make a delta for ${kind}: ${reason}`, {
    hint: 'Send the full bundle, or a delta of the file: bundlefs delta --base OLD-BUNDLE, without --for.',
  });
}
