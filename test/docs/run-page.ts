/** Runs the commands of a page in order, as its reader would: in a folder and a home of their own. */
import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { programPath } from '../support/run-cli.ts';
import { findMissingLine, type PageCommand } from './read-page.ts';

export interface RunPageOptions {
  /** The folder that the reader is in; has the subfolder `home` afterwards. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs each command with `sh -e`, up to the first that fails. /mnt, /media and /srv are empty but for /mnt/bundle,
 * /media/usb and /srv/bundle, and are seen by the commands alone, as is all that they mount. Needs root.
 */
const driver = `
set -e
for place in /mnt /media /srv; do mount -t tmpfs tmpfs $place; done
mkdir /mnt/bundle /media/usb /srv/bundle
end_mounts() {
  awk -v own="$PWD" '$3 == "fuse.bundlefs" && ($2 ~ "^/(mnt|media|srv)/" || index($2, own "/") == 1) { print $2 }' /proc/mounts |
    while read -r path; do bundlefs unmount --lazy "$path" >/dev/null 2>&1 || umount -l "$path"; done
}
trap end_mounts EXIT
index=0
while [ -e "../page/$index.sh" ]; do
  status=0
  sh -e "../page/$index.sh" >"../page/$index.out" 2>&1 </dev/null || status=$?
  printf '%s' "$status" >"../page/$index.status"
  [ "$status" -eq 0 ] || exit 0
  index=$((index + 1))
done`;

/** Runs `commands`; throws, naming the line of the page, where one fails or does not print what the page shows. */
export async function runPage(
  page: string,
  commands: readonly PageCommand[],
  { folder, env = {} }: RunPageOptions,
): Promise<void> {
  const work = join(folder, 'work');
  for (const name of ['work', 'home', 'page']) await mkdir(join(folder, name), { recursive: true });
  for (const [index, { script }] of commands.entries())
    await writeFile(join(folder, `page/${index}.sh`), `${script}\n`);
  const said = await runDriver(work, {
    ...process.env,
    PATH: `${dirname(programPath)}:${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`,
    HOME: join(folder, 'home'),
    XDG_STATE_HOME: '',
    XDG_RUNTIME_DIR: '',
    XDG_CACHE_HOME: '',
    BUNDLEFS_PRESET: '0', // what is encoded is the same to the commands, and done sooner
    DOCKER_BUILDKIT: '0', // the builder that old engines have, too
    ...env,
  });
  for (const [index, { line, script, shown }] of commands.entries()) {
    const read = (kind: string): Promise<string> =>
      readFile(join(folder, `page/${index}.${kind}`), 'utf8').catch(() => said);
    const [status, output] = await Promise.all([read('status'), read('out')]);
    if (status !== '0')
      throw new Error(`docs/${page}:${line} ended with status ${status}:\n${script}\n${output}`);
    const missing = findMissingLine(shown, output);
    if (missing !== undefined)
      throw new Error(`docs/${page}:${line} does not print "${missing}":\n${script}\n${output}`);
  }
}

function runDriver(folder: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', driver], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said: Buffer[] = [];
    for (const output of [child.stdout, child.stderr]) output.on('data', (chunk: Buffer) => said.push(chunk));
    child.on('error', reject);
    // A mount in the background may keep the pipes: what counts is that the commands are over.
    child.on('exit', () => {
      resolve(Buffer.concat(said).toString());
    });
  });
}
