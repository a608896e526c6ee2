/** Why a delta is as large as it is, where that can be told from the blocks of the base. */
import { encoderName } from '../../plan/layout/profile.ts';
import type { Bundle } from '../../bundle/open-bundle.ts';
import type { DeltaBase } from './delta-base.ts';

/** Of the blocks that the base lacks, the share whose content is as long as that of a block it has: chance has no such. */
const tellingShare = 0.5;

/**
 * What tells the blocks of `base` from those of `bundle`, in words that go on "…, for"; undefined where they were made in
 * the same way, so that their contents are new.
 */
export function explainLarge(
  base: Pick<DeltaBase, 'blocks' | 'makeup'>,
  { recipe, assembled }: Pick<Bundle, 'recipe' | 'assembled'>,
): string | undefined {
  const { profile, check, contentSizes } = base.makeup;
  const own = recipe.profile;
  if (profile !== undefined && encoderName(profile) !== encoderName(own)) {
    return `the base was made with ${describeEncoder(profile)}, and this with ${describeEncoder(own)}`;
  }
  if (check !== own.check) {
    return `the blocks of the base have the check ${check}, and those of this bundle ${own.check} (--check)`;
  }
  if (profile !== undefined) return undefined;
  const digests = new Set(base.blocks.map(({ digest }) => digest));
  const lengths = new Set(contentSizes);
  const lacking = assembled.blocks.filter(({ digest }) => !digests.has(digest));
  const alike = lacking.filter(({ uncompressedSize }) => lengths.has(uncompressedSize));
  if (alike.length > 0 && alike.length >= lacking.length * tellingShare) {
    return 'the base has blocks of the same lengths, but other bytes: it was made with another --preset (or --fast), or another liblzma';
  }
  return lacking.length === assembled.blocks.length
    ? 'the base has none of its blocks: was it made by bundlefs, and of these images?'
    : undefined;
}

function describeEncoder({ preset, extreme, check, liblzma }: Bundle['recipe']['profile']): string {
  return `--preset ${preset}${extreme ? 'e' : ''} --check ${check} (liblzma ${liblzma})`;
}
