/** Which parts of a split bundle, and so which discs, must be replaced, for people. */
import type { PartChange, PartComparison } from '../../../product/stick/compare-parts.ts';
import { formatCount, formatSize, formatTable } from '../../../ground/format-text.ts';

export function partsToText({ changes, dropped, writeSize, keptSize }: PartComparison): string[] {
  const rows = [
    ...changes.flatMap(describePart),
    ...dropped.map((name) => ['drop', name, '', 'no longer part of the bundle']),
  ];
  const written = changes.filter(({ kind }) => kind === 'write').length;
  const sum = `${formatCount(written, 'part')} to write, ${formatSize(writeSize)}; ${formatCount(changes.length - written, 'part')} to keep, ${formatSize(keptSize)}`;
  return [...(rows.length === 0 ? [] : formatTable(['', 'part', '>size', ''], rows)), sum];
}

/** What stays as it is needs no line. */
function describePart(change: PartChange): string[][] {
  const { name, size } = change.part;
  switch (change.kind) {
    case 'same':
      return [];
    case 'renamed':
      return [['rename', name, formatSize(size), `is there as ${change.from}`]];
    case 'write':
      return [['write', name, formatSize(size), change.isReplacing ? 'replaces the old one' : 'new']];
  }
}
