/** Runs the commands of a page in order, as its reader would: in a folder and a home of their own. */
import { spawn } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { programPath } from '../support/run-cli.ts';
import { findMissingLine, type PageCommand } from './read-page.ts';

export interface RunPageOptions {
  /** Gets the folders `work`, where the reader is, and `home`. */
  readonly folder: string;
  /** Root where absent; another is made for the page alone, with a home in /home. */
  readonly user?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs each command with `sh -e`, up to the first that fails, in a mount namespace of its own. There /mnt, /media, /srv,
 * /home and /var/cache are empty but for /mnt/bundle, /media/usb and /srv/bundle, /etc is a copy, and /dev/fuse is open
 * to everybody, as udev makes it. Needs root.
 */
const driver = `
set -e
user=$1
umask 022
etc=../etc
cp -a /etc $etc
mount --bind $etc /etc
for place in /mnt /media /srv /home /var/cache; do mount -t tmpfs -o mode=755 tmpfs $place; done
mkdir /mnt/bundle /media/usb /srv/bundle ../dev
mount -t tmpfs -o dev,mode=755 tmpfs ../dev
mknod -m 666 ../dev/fuse c 10 229
mount --bind ../dev/fuse /dev/fuse
[ "$user" = root ] || useradd -m "$user"
end_mounts() {
  awk -v own="\${PWD%/work}/" '$3 == "fuse.bundlefs" && ($2 ~ "^/(mnt|media|srv|home)/" || index($2, own) == 1) { print $2 }' \
    /proc/mounts | while read -r path; do bundlefs unmount --lazy "$path" >/dev/null 2>&1 || umount -l "$path"; done
}
trap end_mounts EXIT
index=0
while [ -e "../page/$index.sh" ] || [ -e "../page/$index.root" ]; do
  status=0
  if [ -e "../page/$index.sh" ] && [ "$user" != root ]; then
    HOME=/home/$user setpriv --reuid "$user" --regid "$user" --init-groups sh -e "../page/$index.sh"
  else
    sh -e "../page/$index".[sr]*
  fi >"../page/$index.out" 2>&1 </dev/null || status=$?
  printf '%s' "$status" >"../page/$index.status"
  [ "$status" -eq 0 ] || exit 0
  index=$((index + 1))
done`;

/** Runs `commands` and returns what each printed; throws, naming the line of the page, where one fails or does not print what the page shows. */
export async function runPage(
  page: string,
  commands: readonly PageCommand[],
  { folder, user = 'root', env = {} }: RunPageOptions,
): Promise<string[]> {
  const work = join(folder, 'work');
  for (const name of ['work', 'home', 'page']) await mkdir(join(folder, name), { recursive: true });
  await chmod(folder, 0o755);
  await chmod(join(folder, 'page'), 0o777);
  for (const [index, { script, byRoot }] of commands.entries()) {
    const kind = byRoot ? 'root' : 'sh';
    await writeFile(
      join(folder, `page/${index}.${kind}`),
      inOneTerminal(script, join(folder, `page/${kind}`)),
    );
  }
  const said = await runDriver(work, user, {
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
  const outputs: string[] = [];
  for (const [index, { line, script, shown }] of commands.entries()) {
    const read = (kind: string): Promise<string | undefined> =>
      readFile(join(folder, `page/${index}.${kind}`), 'utf8').catch(() => undefined);
    const [status, output = ''] = await Promise.all([read('status'), read('out')]);
    outputs.push(output);
    if (status === undefined) throw new Error(`docs/${page}:${line} was not run: ${said}`);
    if (status !== '0')
      throw new Error(`docs/${page}:${line} ended with status ${status}:\n${script}\n${output}`);
    const missing = findMissingLine(shown, output);
    if (missing !== undefined)
      throw new Error(`docs/${page}:${line} does not print "${missing}":\n${script}\n${output}`);
  }
  return outputs;
}

/** `script`, with the folder and the variables that the one before it has left at `state`, as in one terminal. */
function inOneTerminal(script: string, state: string): string {
  const before = `if [ -e ${state}.env ]; then . ${state}.env; cd "$(cat ${state}.folder)"; fi`;
  return `${before}\n${script}\nexport -p >${state}.env\npwd >${state}.folder\n`;
}

function runDriver(folder: string, user: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', driver, 'sh', user], {
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
