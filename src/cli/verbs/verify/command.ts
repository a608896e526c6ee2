/** `bundlefs verify`: whether a file is sound. */
import type { Command } from 'commander';

export function addVerifyCommand(program: Command, signal: AbortSignal): void {
  program
    .command('verify')
    .description(
      'check every block, every layer and every manifest entry of a bundle or another image archive',
    )
    .argument('<file>', 'images.tar.xz, or any archive that docker save, podman save or skopeo wrote')
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', '\nExample:\n  bundlefs verify images.tar.xz')
    .action(async (file: string, options: { json?: boolean }) => {
      const { runVerify } = await import('./run.ts');
      await runVerify(file, options.json === true, signal);
    });
}
