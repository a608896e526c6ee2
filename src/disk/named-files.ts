/**
 * Files that a user named, and the program's own: opened as they are called, with whatever links lead to them. Files of
 * the cache, the state folder and control folders are for src/disk/own, which follows no link.
 */
export { constants, type FSWatcher, readFileSync, type BigIntStats, watch } from 'node:fs';
export {
  access,
  type FileHandle,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
