/** What `bundlefs verify` does. */
import { BundleError } from '../../../ground/errors.ts';
import { verifyArchive, type VerifyReport } from '../../../inspect/verify-archive.ts';
import { formatCount, formatSize, formatTable } from '../../../ground/format-text.ts';
import { printJson, printLines } from '../../../ground/print.ts';
import { startProgress } from '../../../request/made/progress.ts';

/** Checks the file and prints what was found. Throws bundle-corrupt where it is not sound. */
export async function runVerify(file: string, isJson: boolean, signal: AbortSignal): Promise<void> {
  const report = await verifyWithProgress(file, signal);
  if (isJson) printJson(report);
  else printLines(toText(report));
  if (report.faults.length === 0) return;
  throw new BundleError(
    'bundle-corrupt',
    `Cannot trust "${file}": ${formatCount(report.faults.length, 'fault')} found`,
  );
}

async function verifyWithProgress(file: string, signal: AbortSignal): Promise<VerifyReport> {
  using progress = startProgress({ label: 'verifying' });
  return await verifyArchive(file, {
    signal,
    onRead: (done, total) => {
      progress.show(done, total);
    },
  });
}

function toText(report: VerifyReport): string[] {
  const rows = report.images.map((image) => [
    image.names.join(', ') || '(untagged)',
    String(image.layerCount),
    image.isSound ? 'sound' : 'DAMAGED',
  ]);
  const blocks = report.blockCount === undefined ? '' : `${formatCount(report.blockCount, 'block')}, `;
  const verdict =
    report.faults.length === 0
      ? [`${report.path}: sound. ${blocks}${formatSize(report.size)}`]
      : [
          `${report.path}: ${formatCount(report.faults.length, 'fault')}`,
          ...report.faults.map((fault) => `  ${fault}`),
        ];
  const notes = (report.notes ?? []).map((note) => `  ${note}`);
  return [...formatTable(['image', '>layers', ''], rows), ...verdict, ...notes];
}
