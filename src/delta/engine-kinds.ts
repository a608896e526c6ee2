/** Which engines can take new images without the layers that they have, and why others cannot (docs/decisions/0076). */
import { BundleError } from '../errors.ts';

export const engineKinds = ['docker', 'containerd-store', 'podman', 'skopeo', 'containerd'] as const;
export type EngineKind = (typeof engineKinds)[number];

/** Throws invalid-argument for kinds of engines that take no such delta, and says why. */
export function checkKind(kind: EngineKind): asserts kind is 'docker' | 'containerd-store' {
  const reasons: Partial<Record<EngineKind, string>> = {
    podman: 'podman wants every layer in the archive, also those that it has',
    skopeo: 'skopeo checks every layer against its digest, and so wants all of them',
    containerd: 'where a layer is missing, ctr leaves names of images behind that cannot be used',
  };
  const reason = reasons[kind];
  if (reason === undefined) return;
  throw new BundleError('invalid-argument', `Cannot make a delta for ${kind}: ${reason}`, {
    hint: 'Send the full bundle, or a delta of the file: bundlefs delta --base OLD-BUNDLE, without --for.',
  });
}
