/** The stick of a bundle, as the options of a verb want it. */
import type { Cache } from '../../cache/cache.ts';
import type { PreparedBundle } from '../../bundle/prepare-bundle.ts';
import { createStick, type Stick } from '../../product/stick/create-stick.ts';
import { chosenPartSize, type PartOptions } from '../part-size.ts';
import { startProgress } from './progress.ts';
import { toolName } from '../version.ts';

/** Has the digests of the stick's files computed and kept where they are not. */
export async function prepareStick(
  bundle: PreparedBundle,
  options: PartOptions,
  cache: Cache,
  signal: AbortSignal,
  { isSilent = false }: { readonly isSilent?: boolean } = {},
): Promise<Stick> {
  using progress = startProgress({ label: 'hashing', isSilent });
  return await createStick(bundle, {
    cache,
    tool: toolName(),
    publishedMs: Date.now(),
    signal,
    ...chosenPartSize(options),
    onProgress: (done, total) => {
      progress.show(done, total);
    },
  });
}
