/** What a copy will do, and has done, for people. */
import type { CopySource } from '../../../product/copy/copy-source.ts';
import type { CopyResult } from '../../../product/copy/copy-to-folder.ts';
import type { CopyMeasure } from '../../../product/copy/measure-copy.ts';
import type { CopyPlan } from '../../../product/copy/plan-copy.ts';
import type { Survey } from '../../../product/copy/survey-target.ts';
import type { Target } from '../../../product/copy/target.ts';
import { formatCount, formatDuration, formatSize, formatTable } from '../../../ground/format-text.ts';
import { appendAll } from '../../../ground/long-lists.ts';

export interface CopyFacts {
  readonly source: CopySource;
  readonly target: Target;
  readonly survey: Survey;
  readonly plan: CopyPlan;
  readonly measure: CopyMeasure;
}

/** Before the first byte is written. */
export function describePlan(
  { target, survey, plan, measure }: CopyFacts,
  { dryRun = false, inPlace = false }: { readonly dryRun?: boolean; readonly inPlace?: boolean },
): string[] {
  const { folder, mount, freeSize, traits } = target;
  const place =
    traits.isMemory === true ? `${mount.type}, gone when the machine is switched off` : mount.type;
  const lines = [`${folder} (${mount.source}, ${place}): ${formatSize(freeSize)} free`];
  const rows = listChanges(plan, survey);
  if (dryRun && rows.length > 0) appendAll(lines, formatTable(['', 'file', '>size', ''], rows));
  const remove =
    measure.removeCount === 0 ? [] : [`${formatCount(measure.removeCount, 'old file')} to remove`];
  const partial =
    measure.partialSize === 0 ? '' : `, ${formatSize(measure.partialSize)} of it half-written there`;
  lines.push(
    [
      measure.writeCount === 0
        ? 'nothing to write'
        : `${formatCount(measure.writeCount, 'file')} to write, ${formatSize(measure.writeSize)}${partial}`,
      ...(measure.keepCount === 0
        ? []
        : [`${formatCount(measure.keepCount, 'file')} there already, ${formatSize(measure.keepSize)}`]),
      ...remove,
    ].join('; '),
  );
  if (inPlace && measure.writeCount > 0 && survey.sums.size > 0) {
    lines.push('In place: until this is done, nothing there can be loaded.');
  }
  if (survey.others.length > 0) lines.push(`Not touched: ${listSome(survey.others)}`);
  return lines;
}

/** The last line. */
export function describeDone({
  source,
  target,
  measure,
  plan,
  result,
  seconds,
}: CopyFacts & { readonly result: CopyResult; readonly seconds: number }): string {
  const { images, archive } = source.description;
  const leftSize = measure.keepSize + result.resumedSize;
  const facts = [
    `${formatCount(images.length, 'image')}, ${formatSize(archive.size)}`,
    `${formatSize(result.writtenSize)} written, ${formatSize(leftSize)} left alone`,
    `in ${formatDuration(seconds)}`,
  ].join('; ');
  return `${target.folder}: ${facts}; ${describeCheck({ target, plan }, result)}`;
}

function describeCheck(facts: Pick<CopyFacts, 'target' | 'plan'>, result: CopyResult): string {
  const { type } = facts.target.mount;
  switch (findReadBack(facts, result)) {
    case 'device':
      return 'verified by reading it back from the device';
    case 'memory':
      return `verified by reading it back (from memory: it is ${type})`;
    case 'indirect':
      return `verified by reading it back, through what serves ${type}, which may have had some of it in memory`;
    case 'cache':
      return `verified by reading it back; ${type} knows no direct reads, so some of it may have been in memory`;
  }
}

function listChanges(plan: CopyPlan, { files, partials }: Survey): string[][] {
  const changes = plan.files.flatMap((entry) => {
    const { name, content } = entry.file;
    const size = formatSize(content.size);
    switch (entry.kind) {
      case 'keep':
        return [];
      case 'move':
        return [['rename', name, size, `is there as ${entry.from}`]];
      case 'write': {
        const note = partials.has(name)
          ? 'half-written there'
          : files.has(name)
            ? 'replaces the old one'
            : 'new';
        return [['write', name, size, note]];
      }
    }
  });
  const sizeOf = (found: Survey['files'], name: string): string => formatSize(found.get(name)?.size ?? 0);
  return [
    ...changes,
    ...plan.stale.map((name) => ['remove', name, sizeOf(files, name), 'no longer part of the bundle']),
    ...plan.stalePartials.map((name) => [
      'remove',
      `.${name}.partial`,
      sizeOf(partials, name),
      'never finished',
    ]),
  ];
}

/** The first of many. */
function listSome(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

/**
 * `device`: with O_DIRECT; `indirect`: another program or machine was asked for them; `cache`: perhaps from what the
 * kernel had in memory, though it was told to forget it; `memory`: there is no device.
 */
export type ReadBack = 'device' | 'indirect' | 'cache' | 'memory';

export function findReadBack(
  { target, plan }: { readonly target: Pick<Target, 'traits'>; readonly plan: Pick<CopyPlan, 'readKind'> },
  result: Pick<CopyResult, 'readKind'>,
): ReadBack {
  if (target.traits.isMemory === true) return 'memory';
  if (target.traits.isIndirect === true) return 'indirect';
  return [plan.readKind, result.readKind].includes('dropped') ? 'cache' : 'device';
}
