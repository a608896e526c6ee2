/** Makes a delta: one file that holds the blocks of a bundle that its base lacks, and rebuilds the bundle from both. */
import type { Bundle } from '../../bundle/open-bundle.ts';
import { hashFile } from '../../bundle/keep-digest.ts';
import { hexOf } from '../../ground/digest.ts';
import type { StoredFile } from '../../file/stored-file.ts';
import type { Extent, Layout } from '../../plan/layout/extent.ts';
import { sliceLayout } from '../../plan/layout/slice-layout.ts';
import type { Stick, StickFile } from '../stick/create-stick.ts';
import type { DeltaBase } from './delta-base.ts';
import { renderDeltaText } from './delta-text.ts';
import { type DeltaStep, type DeltaTarget, planDelta } from './plan-delta.ts';

export interface Delta {
  /** Belongs to the bundle, and is closed with it. */
  readonly file: StoredFile;
  /** Blocks of the new bundle that the base has, and those that the delta brings. */
  readonly baseBlockCount: number;
  readonly ownBlockCount: number;
  /** Bytes that are not in the base: of the new archive, and of all that the delta brings. */
  readonly archiveSize: number;
  readonly ownSize: number;
  readonly stepCount: number;
}

export interface CreateDeltaOptions {
  /** Leaves out the small files of the stick: only images.tar.xz, or its parts, is rebuilt. */
  readonly isArchiveOnly?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * The delta from `base` to `bundle`, as `stick` lays it out: in parts where that has parts. What the delta brings is
 * read once, for its sum.
 */
export async function createDelta(
  bundle: Pick<Bundle, 'assembled' | 'openLayout'>,
  stick: Stick,
  base: DeltaBase,
  { isArchiveOnly = false, signal }: CreateDeltaOptions = {},
): Promise<Delta> {
  const files = stick.files.filter(({ content }) => !isArchiveOnly || content.kind === 'extents');
  const plan = planDelta(listTargets(files, bundle.assembled.layout), base.blocks);
  const { archive, created, tool } = stick.description;
  const archiveSize = plan.targets.reduce(
    (sum, { ownSize }, index) => (files[index]?.content.kind === 'extents' ? sum + ownSize : sum),
    0,
  );
  const { whole } = await hashFile(bundle.openLayout(plan.own), [], signal ? { signal } : {});
  const targets = plan.targets.map((target, index) => ({ ...target, digest: files[index]?.digest ?? whole }));
  const text = await renderDeltaText({
    format: 'bundlefs-delta-1',
    summary: 'A delta of a bundle of images. To make the new bundle from the one before it:  sh FILE OLD',
    tool,
    facts: {
      delta_archive_size: archiveSize,
      old_title: base.title,
      old_size: base.size,
      old_sha256: hexOf(base.digest),
      old_tail_size: base.tail.size,
      old_tail_sha256: hexOf(base.tail.digest),
      new_created: created,
      new_archive_size: archive.size,
      new_archive_sha256: archive.sha256,
      new_size: targets.reduce((sum, { size }) => sum + size, 0),
      new_files: targets.map(({ name, size, digest }) => `${name} ${size} ${hexOf(digest)}`).join('\n'),
    },
    script: 'apply.sh',
    lists: { delta_steps: targets.flatMap(({ name, steps }) => [`file ${name}`, ...steps.map(formatStep)]) },
    main: 'apply_main',
    own: { size: plan.own.size, digest: whole },
  });
  return {
    file: bundle.openLayout(putBefore(text, plan.own)),
    baseBlockCount: plan.baseBlockCount,
    ownBlockCount: plan.ownBlockCount,
    archiveSize,
    ownSize: plan.own.size,
    stepCount: plan.targets.reduce((sum, { steps }) => sum + steps.length, 0),
  };
}

/** The files of a stick as extents: the parts of the archive lie one behind the other in `layout`. */
function listTargets(files: readonly StickFile[], layout: Layout): DeltaTarget[] {
  let start = 0;
  return files.map(({ name, size, content }): DeltaTarget => {
    if (content.kind === 'bytes') {
      return { name, extents: [{ kind: 'memory', length: size, bytes: content.bytes }] };
    }
    const { extents } = sliceLayout(layout, start, start + size);
    start += size;
    return { name, extents };
  });
}

function formatStep({ source, start, length }: DeltaStep): string {
  return `${source === 'base' ? 'old' : 'new'} ${start} ${length}`;
}

/** The layout with `bytes` before it. */
export function putBefore(bytes: Uint8Array, { size, extents }: Layout): Layout {
  const moved = extents.map((extent): Extent => ({ ...extent, start: extent.start + bytes.length }));
  return {
    size: bytes.length + size,
    extents: [{ kind: 'memory', start: 0, length: bytes.length, bytes }, ...moved],
  };
}
