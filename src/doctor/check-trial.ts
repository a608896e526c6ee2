/** Which libfuse is used, and whether a mount really works: by making one, in another process. */
import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describeError, hintLines } from '../ground/errors.ts';
import { detachMount } from '../mount/fuse/detach-mount.ts';
import { findMount } from '../disk/mountinfo.ts';
import { type CheckContext, type Finding, ok, oneLine, problem, warning } from './finding.ts';
import { type TrialReport, trialReportSchema } from './trial-mount.ts';

const timeoutMs = 20_000;

/** Leaves nothing behind, also where the process that mounts hangs or dies. */
export async function checkTrial({
  program,
  environment,
  signal,
}: Pick<CheckContext, 'program' | 'environment' | 'signal'>): Promise<Finding[]> {
  let folder: string;
  try {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'bundlefs-doctor-')));
  } catch (error) {
    const text = `no trial, for no folder could be made for it: ${oneLine(describeError(error))}`;
    return [warning('mount', text, 'Name a folder that this user can write to in TMPDIR.')];
  }
  try {
    return describeTrial(await runTrial(program, folder, environment, signal));
  } finally {
    if ((await findMount(folder)) !== undefined) await detachMount(folder, { lazy: true });
    await rmdir(folder).catch(() => undefined); // an empty folder says nothing of mounting
  }
}

interface Trial {
  readonly report?: TrialReport;
  /** What the process said, or how it ended. */
  readonly said: string;
}

function runTrial(
  [command, ...args]: CheckContext['program'],
  folder: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Trial> {
  return new Promise((resolve) => {
    const options = { cwd: '/', env, timeout: timeoutMs, killSignal: 'SIGKILL', signal } as const;
    execFile(command, [...args, 'trial-mount', folder], options, (error, stdout, stderr) => {
      const said = stderr.trim() || (error?.killed === true ? 'it did not end' : (error?.message ?? ''));
      const report = trialReportSchema.safeParse(findJson(stdout)).data;
      resolve({ said: oneLine(said), report });
    });
  });
}

function findJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function describeTrial({ report, said }: Trial): Finding[] {
  if (report === undefined) {
    return [problem('mount', 'mount-failed', `a trial mount failed: ${said}`)];
  }
  const { library, slowReads, failure } = report;
  const findings: Finding[] = [];
  if (library !== undefined) findings.push(describeLibrary(library, slowReads));
  if (failure === undefined) {
    findings.push(ok('mount', 'a trial mount was made, read and unmounted'));
  } else {
    // What fusermount has to say goes to stderr, and says more than its status.
    const reason = [oneLine(failure.message), said].filter((text) => text !== '').join('; ');
    const code = failure.code === 'mount-unavailable' ? 'mount-unavailable' : 'mount-failed';
    findings.push(problem('mount', code, `a trial mount failed: ${reason}`, hintLines(failure)));
  }
  return findings;
}

function describeLibrary(library: string, slowReads: TrialReport['slowReads']): Finding {
  const version = /\d+(?:\.\d+)+$/.exec(basename(library))?.[0] ?? '2';
  const text = `${version}, ${library}`;
  if (slowReads === undefined) return ok('libfuse', `${text}; takes the read module`);
  if (slowReads.code === 'addon-unavailable') {
    return warning('libfuse', `${text}; without the addon, reads of a mount take more time`, 'bin/setup');
  }
  return warning(
    'libfuse',
    `${text}; reads of a mount take more time: ${oneLine(slowReads.message)}`,
    'sudo apt-get install libfuse2 (Debian, Ubuntu), sudo dnf install fuse-libs (Fedora): version 2.9',
  );
}
