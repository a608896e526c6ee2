/** Whether `xz` is there, and decodes with several threads: engines run it to load a .tar.xz, and so do the stick's scripts. */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { describeError, findErrno } from '../ground/errors.ts';
import { type CheckContext, type Finding, ok, oneLine, warning } from './finding.ts';

const timeoutMs = 10_000;
const installCure = 'sudo apt-get install xz-utils (Debian, Ubuntu), sudo dnf install xz (Fedora)';

/** Never a problem: bundles are made and mounted without it. */
export async function checkXz({ environment }: Pick<CheckContext, 'environment'>): Promise<Finding[]> {
  try {
    const { stdout } = await promisify(execFile)('xz', ['--version'], {
      env: environment,
      timeout: timeoutMs,
    });
    const version = /\d+\.\d+\.\d+\w*/.exec(stdout)?.[0] ?? 'of an unknown version';
    return [describeVersion(version, await triesThreads(environment))];
  } catch (error) {
    const text =
      findErrno(error) === 'ENOENT'
        ? 'not found in PATH: an engine here cannot load a .tar.xz'
        : `cannot be run: ${oneLine(describeError(error))}`;
    return [warning('xz', text, installCure)];
  }
}

function describeVersion(version: string, trial: string | undefined): Finding {
  // CVE-2024-3094.
  if (/^5\.6\.[01]$/.test(version)) {
    return warning('xz', `${version} carries a backdoor (CVE-2024-3094)`, 'Install another version at once.');
  }
  if (trial !== undefined) return warning('xz', `${version}; ${trial}`, installCure);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 5 || (major === 5 && minor >= 4)) return ok('xz', `${version}, decodes with all cores (-T0)`);
  return warning(
    'xz',
    `${version} decodes with one core only; 5.4 and newer use all (-T0)`,
    'Upgrade xz-utils, or take a newer release of the system',
  );
}

/** What goes wrong where data is encoded in several blocks and decoded with `-T0`; undefined where nothing does. */
async function triesThreads(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const content = randomBytes(100_000);
  try {
    const packed = await pipeThrough(['-0', '-T2', '--block-size=40000', '-c'], content, environment);
    const unpacked = await pipeThrough(['-T0', '-dc'], packed, environment);
    return unpacked.equals(content) ? undefined : 'xz -T0 -dc gives back other bytes';
  } catch (error) {
    return `xz -T0 -dc fails: ${oneLine(describeError(error))}`;
  }
}

function pipeThrough(
  args: readonly string[],
  input: Buffer,
  environment: NodeJS.ProcessEnv,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn('xz', [...args], { env: environment, timeout: timeoutMs, killSignal: 'SIGKILL' });
    const output: Buffer[] = [];
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(output));
      else reject(new Error(said || `it ended with status ${code}`));
    });
    child.stdin.on('error', () => undefined); // it need not read to the end
    child.stdin.end(input);
  });
}
