/** Changed files for people: what several images share is shown once, the largest first. */
import type { FileChange } from '../../inspect/contents/compare-files.ts';
import type { ImageDiff } from '../../inspect/diff-bundles.ts';
import { describeImage } from '../../image/image.ts';
import { formatCount, formatRows, formatSize } from '../../ground/format-text.ts';

interface FileGroup {
  readonly images: readonly string[];
  readonly changes: FileChange[];
}

/** A section for each set of images that share changes, those shared by most images first. */
export function fileGroupsToText(images: readonly ImageDiff[], top: number): string[] {
  const compared = images.filter(({ files }) => files !== undefined);
  if (compared.length === 0) return [];
  const groups = groupChanges(compared).filter(({ changes }) => changes.some(isWorthALine));
  if (groups.length === 0) return ['', 'No file differs.'];
  return groups.flatMap((group) => ['', ...groupToText(group, top, compared.length)]);
}

function groupChanges(images: readonly ImageDiff[]): FileGroup[] {
  const owners = new Map<string, { change: FileChange; images: string[] }>();
  for (const { change: image, files = [] } of images) {
    const name =
      'after' in image ? describeImage({ tags: image.after.names, configDigest: image.after.id }) : '';
    for (const change of files) {
      const key = keyOf(change);
      const known = owners.get(key);
      if (known === undefined) owners.set(key, { change, images: [name] });
      else known.images.push(name);
    }
  }
  const groups = new Map<string, FileGroup>();
  for (const { change, images: names } of owners.values()) {
    const key = JSON.stringify(names);
    const group = groups.get(key) ?? { images: names, changes: [] };
    group.changes.push(change);
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => b.images.length - a.images.length);
}

/** Equal for the same change of the same file of the same layers. */
function keyOf(change: FileChange): string {
  const ends = [
    'before' in change ? change.before : undefined,
    'after' in change ? change.after : undefined,
  ].map((entry) => `${entry?.layer ?? ''}@${entry?.content?.position ?? ''}`);
  return `${change.kind} ${change.path} ${ends.join(' ')}`;
}

function groupToText({ images, changes }: FileGroup, top: number, comparedCount: number): string[] {
  const shown = changes
    .filter(isWorthALine)
    .sort((a, b) => rankOf(b) - rankOf(a) || (a.path < b.path ? -1 : 1));
  const rows = shown
    .slice(0, top)
    .map((change) => [
      `  ${change.kind}`,
      change.path,
      describeSizes(change),
      change.kind === 'changed' ? describeDifferences(change.differences) : '',
    ]);
  const leftOut = shown.length - rows.length;
  return [
    `${nameGroup(images, comparedCount)}: ${summarise(changes)}`,
    ...formatRows(rows, 2),
    ...(leftOut > 0 ? [`  … and ${leftOut} more (--top 0 shows all)`] : []),
  ];
}

function nameGroup(images: readonly string[], comparedCount: number): string {
  if (images.length > 1 && images.length === comparedCount) return `All ${images.length} rebuilt images`;
  return images.join(', ');
}

/** Folders that are there or not, or have other times, follow from what is in them. */
function isWorthALine(change: FileChange): boolean {
  if (change.kind !== 'changed')
    return findEntry(change)?.kind !== 'directory' && findEntry(change) !== undefined;
  return change.after.kind !== 'directory' || change.differences.some((difference) => difference !== 'times');
}

/** What costs bytes first, then what is gone, then what has other metadata. */
function rankOf(change: FileChange): number {
  const size = findEntry(change)?.size ?? 0;
  if (change.kind === 'removed') return 1 + size / Number.MAX_SAFE_INTEGER;
  const isContent =
    change.kind === 'added' || change.differences.includes('content') || change.differences.includes('type');
  return isContent ? 3 + size : size / Number.MAX_SAFE_INTEGER;
}

function findEntry(change: FileChange): Extract<FileChange, { kind: 'changed' }>['after'] | undefined {
  return change.kind === 'removed' ? change.before : change.after;
}

function describeSizes(change: FileChange): string {
  if (change.kind !== 'changed') return formatSize(findEntry(change)?.size ?? 0);
  const { before, after } = change;
  if (before.kind !== 'file' && after.kind !== 'file') return '';
  const [from, to] = [formatSize(before.size), formatSize(after.size)];
  return from === to ? to : `${from} → ${to}`;
}

/** That other content has another time is no news. */
function describeDifferences(differences: readonly string[]): string {
  if (differences.length === 1) return `${differences[0] ?? ''} only`;
  return differences
    .filter((difference) => difference !== 'times' || !differences.includes('content'))
    .join(', ');
}

function summarise(changes: readonly FileChange[]): string {
  const files = changes.filter((change) => findEntry(change)?.kind !== 'directory');
  const count = (kind: FileChange['kind']): number => files.filter((change) => change.kind === kind).length;
  const parts = (['added', 'changed', 'removed'] as const)
    .map((kind) => ({ kind, found: count(kind) }))
    .filter(({ found }) => found > 0)
    .map(({ kind, found }) => `${found} ${kind}`);
  const timesOnly = files.filter(
    (change) => change.kind === 'changed' && change.differences.join() === 'times',
  ).length;
  if (timesOnly > 0 && timesOnly < files.length) parts.push(`${timesOnly} of them in times only`);
  return parts.length === 0 ? formatCount(changes.length, 'folder') : parts.join(', ');
}
