/** What `bundlefs inspect` does. */
import { hexOf } from '../../../ground/digest.ts';
import {
  type ArchiveReport,
  type ImageReport,
  inspectArchive,
  type XzReport,
} from '../../../inspect/inspect-archive.ts';
import { formatCount, formatSize, formatTable, shorten } from '../../../ground/format-text.ts';
import { appendAll } from '../../../ground/long-lists.ts';
import { printJson, printLines } from '../../../ground/print.ts';
import { startProgress } from '../../../request/made/progress.ts';

export interface InspectOptions {
  readonly layers?: boolean;
  readonly json?: boolean;
}

/** Looks into the file and prints what is in it. */
export async function runInspect(file: string, options: InspectOptions, signal: AbortSignal): Promise<void> {
  const report = await inspectWithProgress(file, signal);
  if (options.json === true) printJson(report);
  else printLines(toText(report, options.layers === true));
}

async function inspectWithProgress(file: string, signal: AbortSignal): Promise<ArchiveReport> {
  using progress = startProgress({ label: 'reading' });
  const onRead = (done: number, total: number): void => {
    progress.show(done, total);
  };
  return await inspectArchive(file, { signal, onRead });
}

function toText(report: ArchiveReport, withLayers: boolean): string[] {
  const images = report.images.map((image) => [
    image.names.join(', ') || (image.refName === undefined ? '(untagged)' : `(untagged, "${image.refName}")`),
    hexOf(image.id).slice(0, 12),
    String(image.layers.length),
    formatSize(image.layers.reduce((sum, layer) => sum + (layer.size ?? 0), 0)),
    image.created?.slice(0, 19).replace('T', ' ') ?? '',
  ]);
  const parts = [
    `${report.path}: ${formatCount(report.images.length, 'image')}, ${formatCount(report.layerCount, 'distinct layer')}, ${formatSize(report.size)}`,
    ...(report.xz === undefined ? [`compression: ${report.compression}`] : [describeXz(report.xz)]),
    '',
    ...formatTable(['image', 'id', '>layers', '>size', 'created'], images),
  ];
  if (withLayers) for (const image of report.images) appendAll(parts, ['', ...describeLayers(image)]);
  return parts;
}

function describeXz(xz: XzReport): string {
  return `xz: ${formatCount(xz.streamCount, 'stream')}, ${formatCount(xz.blockCount, 'block')} of at most ${formatSize(xz.largestBlockSize)}, check ${xz.checks.join(', ')}, ${formatSize(xz.uncompressedSize)} uncompressed`;
}

/** The step of the history that made each layer stands beside it. */
function describeLayers(image: ImageReport): string[] {
  const steps = image.history.filter((entry) => !entry.isEmptyLayer);
  const rows = image.layers.map((layer, index) => [
    String(index + 1),
    hexOf(layer.diffId).slice(0, 12),
    layer.size === undefined ? 'missing' : formatSize(layer.size),
    shorten((steps[index]?.createdBy ?? '').replace(/\s+/g, ' '), 80),
  ]);
  const title = image.names.join(', ') || hexOf(image.id).slice(0, 12);
  return [title, ...formatTable(['>#', 'layer', '>size', 'made by'], rows)];
}
