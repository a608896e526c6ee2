/** What `bundlefs why` shows a person: the sum, the layers, and of each encoded layer the files that made it so. */
import { hexOf } from '../../../ground/digest.ts';
import type { ExplainedLayer } from '../../../inspect/cost/explain-image.ts';
import type { EncodeReason, ExplainedFile, ExplainedFiles } from '../../../inspect/cost/explain-layer.ts';
import { describeImage } from '../../../image/image.ts';
import {
  formatCount,
  formatRows,
  formatShare,
  formatSize,
  formatTable,
  shorten,
} from '../../../ground/format-text.ts';
import type { WhyReport } from './json.ts';

const reasons: Readonly<Record<EncodeReason, string>> = {
  new: 'new',
  content: 'content changed',
  metadata: 'metadata changed',
  times: 'times changed',
  neighbour: 'unchanged, beside something that is not',
};

const stepWidth = 60;

/** `top` is how many files to list for each layer. */
export function whyToText({ chosen, layers }: WhyReport, top: number): string[] {
  const sections = layers.flatMap((layer) =>
    layer.encoded === undefined || layer.encoded.blockCount === 0 ? [] : ['', ...layerToText(layer, top)],
  );
  return [describeBuild({ chosen, layers }), '', describeSum(layers), '', ...layerTable(layers), ...sections];
}

function describeBuild({ chosen: { image, build, index, earlier } }: WhyReport): string {
  const name = (names: readonly string[], id: typeof image.id): string =>
    describeImage({ tags: names, configDigest: id });
  const before =
    earlier === undefined
      ? 'no build before it had this image'
      : `before, in @${earlier.index}, ${name(earlier.image.names, earlier.image.id)}`;
  return `${name(image.names, image.id)} in build @${index}, ${build.startedAt.slice(0, 16).replace('T', ' ')}; ${before}`;
}

function describeSum(layers: readonly ExplainedLayer[]): string {
  const size = layers.reduce((sum, layer) => sum + (layer.size ?? 0), 0);
  const encoded = layers.flatMap((layer) => layer.encoded ?? []);
  const encodedSize = encoded.reduce((sum, part) => sum + part.size, 0);
  if (encodedSize === 0) return `Nothing of it was encoded: ${formatSize(size)} reused`;
  const stored = encoded.reduce((sum, part) => sum + part.storedSize, 0);
  const blocks = encoded.reduce((sum, part) => sum + part.blockCount, 0);
  return `Encoded ${formatSize(encodedSize)} of ${formatSize(size)} (${formatShare(encodedSize / size)}), ${formatSize(stored)} stored, in ${formatCount(blocks, 'block')}`;
}

function layerTable(layers: readonly ExplainedLayer[]): string[] {
  const rows = layers.map(({ depth, diffId, size, encoded, createdBy }) => [
    String(depth),
    hexOf(diffId).slice(0, 12),
    size === undefined ? 'gone' : formatSize(size),
    encoded === undefined || encoded.size === 0 ? '' : formatSize(encoded.size),
    shorten(createdBy, stepWidth),
  ]);
  return formatTable(['>#', 'layer', '>size', '>encoded', 'made by'], rows);
}

function layerToText({ depth, createdBy, earlier, explanation }: ExplainedLayer, top: number): string[] {
  const title = `Layer ${depth}${createdBy === '' ? '' : `  ${shorten(createdBy, stepWidth)}`}`;
  if (explanation === undefined) return [title, '  its blocks are no longer in the cache, or it is no tar'];
  if (earlier === undefined) return [title, ...listFiles(explanation.files, top, 'a new layer')];
  const causes = explanation.files.filter(({ reason }) => reason !== 'neighbour');
  const neighbours = explanation.files.filter(({ reason }) => reason === 'neighbour');
  const lines = [...listFiles(causes, top), describeNeighbours(neighbours), describeRemoved(explanation)];
  return [title, ...lines.filter((line) => line !== '')];
}

function listFiles(files: readonly ExplainedFile[], top: number, onlyReason?: string): string[] {
  const worthALine = files.filter(({ kind, reason }) => kind !== 'directory' || reason === 'metadata');
  const rows = worthALine
    .slice(0, top)
    .map(({ path, encodedSize, reason }) => [
      `  ${formatSize(encodedSize).padStart(8)}`,
      path,
      onlyReason === undefined ? reasons[reason] : '',
    ]);
  const listed = new Set(worthALine.slice(0, top));
  const rest = files.filter((file) => !listed.has(file));
  return [...formatRows(rows), ...describeRest(rest, onlyReason)];
}

/** What is not listed, by reason. */
function describeRest(files: readonly ExplainedFile[], onlyReason: string | undefined): string[] {
  const byReason = new Map<string, { count: number; size: number }>();
  for (const { reason, encodedSize } of files) {
    const key = onlyReason ?? reasons[reason];
    const known = byReason.get(key) ?? { count: 0, size: 0 };
    byReason.set(key, { count: known.count + 1, size: known.size + encodedSize });
  }
  return [...byReason].map(([reason, { count, size }]) => restLine(size, `${count} more: ${reason}`));
}

function describeNeighbours(files: readonly ExplainedFile[]): string {
  if (files.length === 0) return '';
  const size = files.reduce((sum, file) => sum + file.encodedSize, 0);
  return restLine(
    size,
    `${formatCount(files.length, 'entry').replace('entrys', 'entries')} unchanged, in one piece with the others`,
  );
}

function describeRemoved({ removed }: ExplainedFiles): string {
  if (removed.length === 0) return '';
  const shown = removed.slice(0, 3).join(', ');
  const more = removed.length > 3 ? ` and ${removed.length - 3} more` : '';
  return `            gone: ${shown}${more}`;
}

function restLine(size: number, text: string): string {
  return `  ${formatSize(size).padStart(8)}  … ${text}`;
}
