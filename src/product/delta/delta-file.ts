/** A delta as one more file of a stick: how a mount shows it beside the bundle. */
import type { Bundle } from '../../bundle/open-bundle.ts';
import { hashFile } from '../../bundle/keep-digest.ts';
import type { Stick, StickFile } from '../stick/create-stick.ts';
import { deltaName } from '../../bundle/file-names.ts';
import { createDelta } from './create-delta.ts';
import type { DeltaBase } from './delta-base.ts';

/** What makes the file `update.delta` of a stick of `bundle` (see CreateStickOptions.addFiles). */
export function deltaFileOf(
  bundle: Pick<Bundle, 'assembled' | 'openLayout'>,
  base: DeltaBase,
  publishedMs: number,
): (stick: Stick) => Promise<readonly StickFile[]> {
  return async (stick) => {
    const { file } = await createDelta(bundle, stick, base);
    const { whole } = await hashFile(file, []);
    return [
      {
        name: deltaName,
        mode: 0o444,
        mtimeMs: publishedMs,
        size: file.size,
        digest: whole,
        content: { kind: 'extents', file },
      },
    ];
  };
}
