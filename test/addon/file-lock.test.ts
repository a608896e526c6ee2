/** flock between open files and between processes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tryLockFile, tryLockShared } from '../../src/addon/file-lock.ts';

let folder: string;
let path: string;
let handles: FileHandle[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'file-lock-'));
  path = join(folder, 'lock');
  handles = [];
});

afterEach(async () => {
  for (const handle of handles) await handle.close();
  rmSync(folder, { recursive: true });
});

async function openLock(): Promise<FileHandle> {
  const handle = await open(path, 'a+');
  handles.push(handle);
  return handle;
}

describe('tryLockFile and tryLockShared', () => {
  it('give an exclusive lock to one, and shared ones to many', async () => {
    const [first, second, third] = [await openLock(), await openLock(), await openLock()];
    expect(tryLockFile(first.fd)).toBe(true);
    expect(tryLockFile(first.fd)).toBe(true);
    expect(tryLockFile(second.fd)).toBe(false);
    expect(tryLockShared(second.fd)).toBe(false);
    await first.close();
    handles = handles.filter((handle) => handle !== first);
    expect(tryLockShared(second.fd)).toBe(true);
    expect(tryLockShared(third.fd)).toBe(true);
    expect(tryLockFile(second.fd)).toBe(false);
  });

  it('see the locks of other processes, until those die', async () => {
    const other = spawn('flock', ['--exclusive', path, 'sh', '-c', 'echo locked; exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(other.stdout, 'data');
    const { fd } = await openLock();
    expect(tryLockFile(fd)).toBe(false);
    expect(tryLockShared(fd)).toBe(false);
    other.stdin.end();
    await once(other, 'close');
    expect(tryLockFile(fd)).toBe(true);
  });

  it('throw for descriptors that are none', async () => {
    const handle = await openLock();
    const { fd } = handle;
    await handle.close();
    handles = [];
    expect(() => tryLockFile(fd)).toThrow(expect.objectContaining({ code: 'EBADF' }));
    for (const bad of [-1, 1.5, Number.NaN]) expect(() => tryLockFile(bad)).toThrow(RangeError);
  });
});
