/** What system calls of the addon fail with, as Node puts it. */
import { constants } from 'node:os';

const names = new Map<number, string>(
  Object.entries(constants.errno).map(([name, number]) => [number, name]),
);

/** The name of a positive errno, such as `ENOLCK`, which `getSystemErrorName` of node:util does not know: libuv has no use for it. */
export function errnoName(errno: number): string {
  // The numbers of EWOULDBLOCK and EOPNOTSUPP.
  if (errno === constants.errno.EAGAIN) return 'EAGAIN';
  if (errno === constants.errno.ENOTSUP) return 'ENOTSUP';
  return names.get(errno) ?? `errno ${errno}`;
}

/** The error for the failed `syscall` on the file at `path`, of the form of Node's own. */
export function createErrnoError(errno: number, syscall: string, path: string): NodeJS.ErrnoException {
  const code = errnoName(errno);
  return Object.assign(new Error(`${code}: ${syscall} "${path}"`), { code, errno: -errno, syscall, path });
}
