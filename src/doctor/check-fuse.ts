/** Whether this user may mount: the device, the program that mounts for users, and what it allows. */
import { access, open, readFile, stat } from 'node:fs/promises';
import { findErrno, describeError } from '../ground/errors.ts';
import { findAllowOther } from '../mount/fuse/check-user.ts';
import { findFusermount } from '../mount/fuse/fuse-library.ts';
import { type CheckContext, type Finding, ok, oneLine, problem, problemOf, warning } from './finding.ts';

const device = '/dev/fuse';
const settingsPath = '/etc/fuse.conf';
const containerCure = `Start the container with: --device ${device} --cap-add SYS_ADMIN --security-opt apparmor=unconfined`;

export async function checkFuseDevice(): Promise<Finding[]> {
  try {
    await (await open(device, 'r+')).close();
    return [ok(device, 'this user may open it')];
  } catch (error) {
    const errno = findErrno(error) ?? '';
    const { text, cure } = await explainDevice(errno, oneLine(describeError(error)));
    return [problem(device, 'mount-unavailable', text, cure)];
  }
}

async function explainDevice(errno: string, message: string): Promise<{ text: string; cure: string }> {
  const isInContainer = await isContainer();
  switch (errno) {
    case 'ENOENT':
      return { text: 'it does not exist', cure: isInContainer ? containerCure : 'sudo modprobe fuse' };
    case 'ENODEV':
    case 'ENXIO':
      return { text: 'the kernel has no FUSE behind it', cure: 'sudo modprobe fuse' };
    case 'EACCES':
      return { text: 'this user may not open it', cure: `sudo chmod 666 ${device}` };
    case 'EPERM':
      return { text: 'the container may not open it', cure: containerCure };
    default:
      return { text: `it cannot be opened: ${message}`, cure: 'sudo modprobe fuse' };
  }
}

/** Docker and podman each leave a file in the root folder. */
async function isContainer(): Promise<boolean> {
  const found = await Promise.all(
    ['/.dockerenv', '/run/.containerenv'].map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}

/** Root mounts by itself; for all others a setuid fusermount does. Both need it to unmount. */
export async function checkFusermount({
  isRoot,
  environment,
}: Pick<CheckContext, 'isRoot' | 'environment'>): Promise<Finding[]> {
  const subject = 'fusermount';
  try {
    const path = await findFusermount(environment);
    const { uid, mode } = await stat(path);
    const isSetuidRoot = uid === 0 && (mode & 0o4000) !== 0;
    if (isRoot) return [ok(subject, isSetuidRoot ? `${path}, setuid root` : path)];
    if (!isSetuidRoot) {
      const cure = `sudo chown root ${path} && sudo chmod u+s ${path}`;
      return [
        problem(subject, 'mount-unavailable', `${path} is not setuid root, so users cannot mount`, cure),
      ];
    }
    if (await mayGainNothing()) {
      return [
        problem(
          subject,
          'mount-unavailable',
          `${path} is setuid root, which has no effect here: this process may gain no privileges`,
          'Start it without NoNewPrivileges= (systemd) or --security-opt no-new-privileges (containers)',
        ),
      ];
    }
    return [ok(subject, `${path}, setuid root`)];
  } catch (error) {
    return [problemOf(subject, error)];
  }
}

/** proc(5), "NoNewPrivs": programs that are setuid run as the user. */
async function mayGainNothing(): Promise<boolean> {
  return /^NoNewPrivs:\s*1$/m.test(await readFile('/proc/self/status', 'utf8'));
}

/** `path` is fuse.conf. */
export async function checkAllowOther(
  { isRoot }: Pick<CheckContext, 'isRoot'>,
  path: string = settingsPath,
): Promise<Finding[]> {
  const subject = 'user_allow_other';
  const isAllowed = await findAllowOther(path);
  if (isAllowed === true) return [ok(subject, `set in ${path}: mount --allow-other works`)];
  if (isRoot) return [ok(subject, 'not needed: root may use mount --allow-other')];
  if (isAllowed === undefined) {
    return [
      warning(subject, `not known: this user may not read ${path}`, `sudo grep user_allow_other ${path}`),
    ];
  }
  return [
    warning(
      subject,
      `not set in ${path}: nobody but you can read your mounts, not even root (dockerd, sudo cp)`,
      `echo user_allow_other | sudo tee -a ${path}`,
    ),
  ];
}
