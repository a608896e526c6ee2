/** What `bundlefs doctor` does. */
import { largestOf } from '../../../ground/long-lists.ts';
import { diagnose } from '../../../doctor/diagnose.ts';
import { type Finding, problemOf } from '../../../doctor/finding.ts';
import { tryMount } from '../../../doctor/trial-mount.ts';
import { isBundleError } from '../../../ground/errors.ts';
import { printJson, printLines } from '../../../ground/print.ts';
import { findProjectFile } from '../../../request/find-project-file.ts';
import type { ProjectFile } from '../../../request/project-file.ts';
import { exitStatus, unexpectedStatus } from '../../exit-status.ts';
import { formatCount } from '../../../ground/format-text.ts';
import { automaticLimits } from '../../../request/cache-limits.ts';

export interface DoctorOptions {
  readonly from?: string;
  readonly cache?: string;
  /** The project file; false for none, and where left out, the one of the working folder. */
  readonly config?: string | false;
  readonly json?: boolean;
}

/** Prints what is found, and sets the exit status to that of the first problem. */
export async function runDoctor(options: DoctorOptions, signal: AbortSignal): Promise<void> {
  const { project, finding } = await readProject(options.config);
  const findings = await diagnose({
    environment: process.env,
    isRoot: process.getuid?.() === 0,
    nowMs: Date.now(),
    from: options.from ?? project?.from ?? process.env['BUNDLEFS_FROM'],
    cache: options.cache ?? project?.cache,
    getMaxSize: () => automaticLimits(project?.gc ?? {}, process.env).maxSize,
    program: [process.execPath, ...process.execArgv, process.argv[1] ?? ''],
    engineTimeoutMs: 10_000,
    signal,
  });
  const all = [...(finding === undefined ? [] : [finding]), ...findings];
  if (options.json === true) printJson({ status: statusOf(all), findings: all });
  else printLines(toText(all));
  process.exitCode = statusOf(all);
}

/** The project file, or what is wrong with it: the rest is looked at as if there were none. */
async function readProject(
  config: string | false | undefined,
): Promise<{ readonly project?: ProjectFile | undefined; readonly finding?: Finding }> {
  if (config === false) return {};
  try {
    return { project: await findProjectFile(config, process.cwd()) };
  } catch (error) {
    if (!isBundleError(error)) throw error;
    return { finding: problemOf('project file', error) };
  }
}

/** What the process that `runDoctor` starts for its trial does. */
export async function runTrialMount(folder: string, signal: AbortSignal): Promise<never> {
  const report = await tryMount(folder, signal);
  printJson(report); // a pipe, which is written to before this returns
  process.exit(0); // libfuse's threads would keep the process alive
}

function statusOf(findings: readonly Finding[]): number {
  const first = findings.find((finding) => finding.level === 'problem');
  if (first === undefined) return 0;
  return first.code === 'unexpected' ? unexpectedStatus : exitStatus[first.code];
}

function toText(findings: readonly Finding[]): string[] {
  const width = largestOf(findings.map(({ subject }) => subject.length));
  const indent = ' '.repeat('problem'.length + width + 4);
  const lines = findings.flatMap(({ level, subject, text, cure }) => [
    `${level.padEnd('problem'.length)}  ${subject.padEnd(width)}  ${text}`,
    ...(cure === undefined ? [] : cure.split('\n').map((line) => `${indent}-> ${line}`)),
  ]);
  return [...lines, '', summarise(findings)];
}

function summarise(findings: readonly Finding[]): string {
  const problems = findings.filter(({ level }) => level === 'problem').length;
  const warnings = findings.filter(({ level }) => level === 'warning').length;
  const also = warnings === 0 ? '' : `, ${formatCount(warnings, 'warning')}`;
  if (problems > 0) return `${formatCount(problems, 'problem')}${also}.`;
  return `Nothing stands in the way of building and mounting bundles${also}.`;
}
