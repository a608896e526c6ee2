/** What `bundlefs plan` shows a person: the images that changed, the layers that are new, and what they cost. */
import { hexOf } from '../../../ground/digest.ts';
import type { Amount, BuildPlan, PlannedImage, PlannedLayer } from '../../../inspect/cost/plan-build.ts';
import { describeImage } from '../../../image/image.ts';
import {
  formatCount,
  formatDuration,
  formatRows,
  formatShare,
  formatSize,
  formatTable,
  joinSections,
  shorten,
} from '../../../ground/format-text.ts';

const stepWidth = 60;
const mostLayers = 15;

/** What people call the changes. */
const words = { added: 'new', rebuilt: 'changed', retagged: 'retagged', same: 'known', removed: '' } as const;

export function planToText(plan: BuildPlan): string[] {
  const sections = [[describeCounts(plan)], imageTable(plan), layerTable(plan.layers), ledger(plan)];
  return joinSections(sections);
}

function describeCounts({ images, removed }: BuildPlan): string {
  const count = (kind: PlannedImage['change']): number =>
    images.filter(({ change }) => change === kind).length;
  const parts = (['added', 'rebuilt', 'retagged', 'same'] as const)
    .map((kind) => [count(kind), words[kind]] as const)
    .filter(([found]) => found > 0)
    .map(([found, word]) => `${found} ${word}`);
  const gone = removed.length === 0 ? '' : `; ${removed.length} of the last build not in it`;
  return `${formatCount(images.length, 'image')}: ${parts.join(', ')}${gone}`;
}

/** Those that are as they were in the last build, and wholly in the cache, need no line. */
function imageTable({ images }: BuildPlan): string[] {
  const rows = images
    .filter(({ change, newLayers }) => change !== 'same' || newLayers.length > 0)
    .map(({ image, change, newLayers }) => [
      words[change],
      describeImage({ tags: image.tags, configDigest: image.id }),
      `${newLayers.length} of ${new Set(image.layers.map(({ diffId }) => diffId)).size}`,
    ]);
  return rows.length === 0 ? [] : formatTable(['', 'image', '>layers new'], rows);
}

function layerTable(layers: readonly PlannedLayer[]): string[] {
  if (layers.length === 0) return [];
  const isMeasured = layers.some(({ pieces }) => pieces !== undefined);
  const rows = layers
    .slice(0, mostLayers)
    .map(({ layer, imageCount, pieces }) => [
      hexOf(layer.diffId).slice(0, 12),
      sizeOf(layer.size, pieces?.size, layer.isExact),
      ...(isMeasured ? [pieces === undefined ? '' : formatSize(pieces.newSize)] : []),
      String(imageCount),
      shorten(layer.createdBy ?? '', stepWidth),
    ]);
  const header = ['new layer', '>size', ...(isMeasured ? ['>to encode'] : []), '>images', 'made by'];
  const leftOut = layers.length - rows.length;
  return [...formatTable(header, rows), ...(leftOut > 0 ? [`… and ${leftOut} more`] : [])];
}

function sizeOf(said: number | undefined, measured: number | undefined, isExact: boolean): string {
  if (measured !== undefined) return formatSize(measured);
  if (said === undefined) return 'unknown';
  return `${isExact ? '' : 'about '}${formatSize(said)}`;
}

function ledger(plan: BuildPlan): string[] {
  const { reused, written, layerCount, layers } = plan;
  const rows = [
    ['read', plan.read.size === 0 ? 'nothing' : about(plan.read)],
    ['encode', describeEncode(plan)],
    [
      'reuse',
      `${formatSize(reused.size)} in ${formatCount(reused.blockCount, 'block')}, ${layerCount - layers.length} of ${formatCount(layerCount, 'layer')} as they are`,
    ],
    ['write', written === undefined ? 'unknown: there is nothing to go by yet' : about(written)],
    ['time', describeTime(plan)],
  ];
  return formatRows(rows);
}

function about({ size, isExact }: Amount): string {
  return `${isExact ? '' : 'about '}${formatSize(size)}`;
}

function describeEncode({ encode, past, read }: BuildPlan): string {
  if (encode.size === 0) return 'nothing';
  if (encode.isExact) {
    return `${formatSize(encode.size)}${encode.blockCount === undefined ? '' : ` in ${formatCount(encode.blockCount, 'block')}`}`;
  }
  const most = `at most ${read.isExact ? '' : 'about '}${formatSize(encode.size)}`;
  if (encode.likelySize === undefined || past.encodedShare === undefined) return most;
  return `${most}; likely ${formatSize(encode.likelySize)}, as past builds encoded ${formatShare(past.encodedShare)} of new layers`;
}

function describeTime({ seconds, past }: BuildPlan): string {
  if (seconds === undefined) return 'unknown: no build on this machine says yet how fast it is';
  return `about ${formatDuration(seconds)}, by ${formatCount(past.buildCount, 'build')} on this machine`;
}
