/** The text of a delta: facts, the script that applies it, and its steps, all of it POSIX sh (docs/format.md, "The delta"). */
import { type Digest, hexOf } from '../digest.ts';
import type { DeltaBase } from './delta-base.ts';
import type { PlannedTarget } from './plan-delta.ts';

export interface DeltaFacts {
  /** Name and version of the program. */
  readonly tool: string;
  /** When the new bundle was first finished, as bundle.json has it. */
  readonly created: string;
  readonly base: DeltaBase;
  /** The whole new archive, whether in parts or not. */
  readonly archive: { readonly size: number; readonly digest: Digest; readonly ownSize: number };
  readonly targets: readonly (PlannedTarget & { readonly digest: Digest })[];
  /** The bytes that lie behind the text. */
  readonly own: { readonly size: number; readonly digest: Digest };
}

/** Digits of the largest safe integer: the size of the delta stands in its own text, so that it must not change it. */
const sizeDigits = 16;

/** The text before the blocks; `applyScript` is stick/apply.sh. The same arguments give the same bytes. */
export function renderDeltaText(facts: DeltaFacts, applyScript: string): Uint8Array {
  const { tool, created, base, archive, targets, own } = facts;
  const render = (size: number): Uint8Array =>
    Buffer.from(
      [
        '#!/bin/sh',
        '# A delta of a bundle of images (bundlefs-delta-1). To make the new bundle from the one before it:  sh FILE OLD',
        'delta_format=bundlefs-delta-1',
        `delta_tool=${quote(tool)}`,
        `delta_size=${String(size).padEnd(sizeDigits)}`,
        `delta_block_size=${own.size}`,
        `delta_block_sha256=${hexOf(own.digest)}`,
        `delta_archive_size=${archive.ownSize}`,
        `old_title=${quote(base.title)}`,
        `old_size=${base.size}`,
        `old_sha256=${hexOf(base.digest)}`,
        `old_tail_size=${base.tail.size}`,
        `old_tail_sha256=${hexOf(base.tail.digest)}`,
        `new_created=${quote(created)}`,
        `new_archive_size=${archive.size}`,
        `new_archive_sha256=${hexOf(archive.digest)}`,
        `new_size=${targets.reduce((sum, target) => sum + target.size, 0)}`,
        `new_files='${targets.map((target) => `${target.name} ${target.size} ${hexOf(target.digest)}`).join('\n')}'`,
        applyScript.replace(/^#!.*\n/, '').trimEnd(),
        '',
        'delta_steps() {',
        "  cat <<'STEPS'",
        ...targets.flatMap((target) => [
          `file ${target.name}`,
          ...target.steps.map(
            ({ source, start, length }) => `${source === 'base' ? 'old' : 'new'} ${start} ${length}`,
          ),
        ]),
        'STEPS',
        '}',
        // The last line, so that a file that was cut off does nothing at all; what follows it is no text.
        'apply_main "$@"; exit',
        '',
      ].join('\n'),
    );
  return render(render(0).length + own.size);
}

/** A word of sh; what a name may not have on somebody else's terminal becomes "?". */
function quote(text: string): string {
  return `'${text.replace(/[^A-Za-z0-9 ._:@/+,()-]/g, '?')}'`;
}
