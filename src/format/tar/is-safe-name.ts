/** Which member names may be taken for paths below a folder. */

/** Whether `name` is relative and stays below where it starts: not empty, not absolute, no `..` part, no NUL byte. */
export function isSafeName(name: string): boolean {
  return name !== '' && !name.startsWith('/') && !name.includes('\0') && !name.split('/').includes('..');
}
