/** `bundlefs doctor`: what stands in the way. */
import type { Command } from 'commander';
import { addCacheOption } from '../../options/image-options.ts';
import type { DoctorOptions } from './run.ts';

const doctorHelp = `
Each line is "ok", a "warning" (bundles are made, but something is slower or will fail elsewhere) or a "problem".
Below a warning or problem stands what to do about it, as a command where there is one. Nothing is changed.
The exit status is 0 where there is no problem, else that of the first: 9 the installation, 8 mounting,
4 the engine, 6 the cache, 2 a setting.

Examples:
  bundlefs doctor
  bundlefs doctor --from images.tar`;

export function addDoctorCommand(program: Command, signal: AbortSignal): void {
  addCacheOption(
    program
      .command('doctor')
      .description('check all that bundlefs needs on this machine, and say how to mend what is missing')
      .option(
        '--from <source>',
        'where images come from, as for build: the engine that is checked; an archive needs none (default: $BUNDLEFS_FROM, else docker)',
      ),
  )
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', doctorHelp)
    .action(async (options: DoctorOptions) => {
      const { runDoctor } = await import('./run.ts');
      await runDoctor(options, signal);
    });
  program
    .command('trial-mount', { hidden: true })
    .description('make a tiny mount, read it, end it, and report as JSON: run by doctor')
    .argument('<folder>', 'an empty folder')
    .action(async (folder: string) => {
      const { runTrialMount } = await import('./run.ts');
      await runTrialMount(folder, signal);
    });
}
