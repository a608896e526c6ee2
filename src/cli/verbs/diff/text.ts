/** What `bundlefs diff` shows a person: the images, the bytes, and files grouped by the images that share them. */
import type { ContentImage } from '../../../inspect/contents/bundle-contents.ts';
import type { BundleDiff, ImageDiff } from '../../../inspect/diff-bundles.ts';
import { describeImage } from '../../../image/image.ts';
import { familiarName } from '../../../image/reference.ts';
import { fileGroupsToText } from '../../output/file-changes.ts';
import { formatCount, formatShare, formatSize, formatTable } from '../../../ground/format-text.ts';
import type { PartChange, PartComparison } from '../../../product/stick/compare-parts.ts';

/** `top` is how many files to list for each group of images. */
export function diffToText(diff: BundleDiff, top: number): string[] {
  const { before, after, images } = diff;
  const changed = images.filter(({ change }) => change.kind !== 'same');
  const sameCount = images.length - changed.length;
  const rows = changed.map(describeRow);
  const parts = [
    `${before.label} → ${after.label}`,
    '',
    ...(rows.length === 0 ? [] : formatTable(['', 'image', '>layers new', '>new', '>stored'], rows)),
    ...(sameCount === 0
      ? []
      : [`${rows.length === 0 ? 'All ' : ''}${formatCount(sameCount, 'image')} the same`]),
    '',
    ...describeNew(diff),
  ];
  return [...parts, ...fileGroupsToText(images, top)];
}

function describeRow({ change, added }: ImageDiff): string[] {
  const stored = added.storedSize === undefined ? '' : formatSize(added.storedSize);
  switch (change.kind) {
    case 'added':
      return [
        'added',
        nameOf(change.after),
        String(new Set(change.after.layers).size),
        formatSize(added.size),
        stored,
      ];
    case 'removed':
      return ['removed', nameOf(change.before)];
    case 'same':
    case 'retagged':
      return [change.kind, nameChange(change.before, change.after)];
    case 'rebuilt': {
      const name = nameChange(change.before, change.after);
      if (change.newLayers.length === 0) return ['rebuilt', name, 'config only'];
      const layers = `${change.newLayers.length} of ${new Set(change.after.layers).size}`;
      return ['rebuilt', name, layers, formatSize(added.size), stored];
    }
  }
}

function describeNew({ after, added, gone }: BundleDiff): string[] {
  const { size, wholeSize } = added;
  const share = wholeSize > 0 ? ` of ${formatSize(wholeSize)} (${formatShare(size / wholeSize)})` : '';
  const stored =
    added.storedSize === undefined || after.storedSize === undefined || !added.byBlocks
      ? ''
      : `; stored, ${formatSize(added.storedSize)} of ${formatSize(after.storedSize)}`;
  const blocks = added.byBlocks
    ? `, in ${added.newBlockCount} of ${formatCount(added.blockCount, 'block')}`
    : ' (by layers: there are no blocks to compare)';
  return [`New   ${formatSize(added.size)}${share}${stored}${blocks}`, `Gone  ${formatSize(gone.size)}`];
}

/** `shop/web:1.0.0 → 1.0.1` where only the tag differs. */
export function nameChange(before: ContentImage, after: ContentImage): string {
  const [a, b] = [nameOf(before), nameOf(after)];
  if (a === b) return a;
  const [from, to] = [before.names[0], after.names[0]];
  const isOne = before.names.length === 1 && after.names.length === 1;
  const [repository, tag] = splitTag(to ?? '');
  if (isOne && from !== undefined && splitTag(from)[0] === repository)
    return `${familiarName(from)} → ${tag}`;
  return `${a} → ${b}`;
}

function nameOf({ names, id }: ContentImage): string {
  return describeImage({ tags: names, configDigest: id });
}

function splitTag(name: string): [string, string] {
  const colon = name.lastIndexOf(':');
  return [name.slice(0, colon), name.slice(colon + 1)];
}

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
