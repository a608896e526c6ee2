/** `bundlefs verify`: whether a file is sound. */
import type { Command } from 'commander';
import { BundleError } from '../../errors.ts';
import type { VerifyReport } from '../../inspect/verify-archive.ts';
import { formatCount, formatSize, formatTable } from '../format-text.ts';
import { startProgress } from '../progress.ts';

export function addVerifyCommand(program: Command, signal: AbortSignal): void {
  program
    .command('verify')
    .description(
      'check every block, every layer and every manifest entry of a bundle or another image archive',
    )
    .argument('<file>', 'images.tar.xz, or any archive that docker save, podman save or skopeo wrote')
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', '\nExample:\n  bundlefs verify images.tar.xz')
    .action((file: string, options: { json?: boolean }) => verify(file, options.json === true, signal));
}

async function verify(file: string, isJson: boolean, signal: AbortSignal): Promise<void> {
  const { verifyArchive } = await import('../../inspect/verify-archive.ts');
  const report = await verifyWithProgress(verifyArchive, file, signal);
  process.stdout.write(`${isJson ? JSON.stringify(report) : toText(report)}\n`);
  if (report.faults.length === 0) return;
  throw new BundleError(
    'bundle-corrupt',
    `Cannot trust "${file}": ${formatCount(report.faults.length, 'fault')} found`,
  );
}

async function verifyWithProgress(
  verifyArchive: typeof import('../../inspect/verify-archive.ts').verifyArchive,
  file: string,
  signal: AbortSignal,
): Promise<VerifyReport> {
  using progress = startProgress({ label: 'verifying' });
  return await verifyArchive(file, {
    signal,
    onRead: (done, total) => {
      progress.show(done, total);
    },
  });
}

function toText(report: VerifyReport): string {
  const rows = report.images.map((image) => [
    image.names.join(', ') || '(untagged)',
    String(image.layerCount),
    image.isSound ? 'sound' : 'DAMAGED',
  ]);
  const blocks = report.blockCount === undefined ? '' : `${formatCount(report.blockCount, 'block')}, `;
  const verdict =
    report.faults.length === 0
      ? `${report.path}: sound. ${blocks}${formatCount(report.memberCount, 'member')}, ${formatSize(report.size)}`
      : `${report.path}: ${formatCount(report.faults.length, 'fault')}\n${report.faults.map((fault) => `  ${fault}`).join('\n')}`;
  return `${formatTable(['image', '>layers', ''], rows)}\n${verdict}`;
}
