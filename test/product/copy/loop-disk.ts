/** A stick for tests: a file system in a file, which can be pulled out and put in again. */
import { execFileSync } from 'node:child_process';
import { mkdir, open, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { makeTempFolder } from '../../support/temp-folder.ts';

export interface LoopDisk {
  /** Where it is mounted. */
  readonly folder: string;
  /** The file that is its memory. */
  readonly image: string;
  /** The number of sectors that were read from the device so far. */
  readSectors(): number;
  /** From here on the device does not answer; what was not synced is lost. */
  pullOut(): void;
  /** As a new device, for what looked at the old one may hold it still. */
  putIn(): void;
}

/** An ext4 file system of `size` bytes, mounted until the test ends. Like all that needs a device, for root only. */
export async function makeLoopDisk(size: number, kind: 'ext4' | 'exfat' = 'ext4'): Promise<LoopDisk> {
  const place = await makeTempFolder();
  const folder = join(place, 'stick');
  const image = join(place, 'image');
  await mkdir(folder);
  await (await open(image, 'w')).close();
  await truncate(image, size);
  if (kind === 'ext4') execFileSync('mkfs.ext4', ['-q', '-m', '0', image]);
  else execFileSync('mkfs.exfat', [image], { stdio: 'ignore' });
  let device = '';
  let isMounted = false;
  const putIn = (): void => {
    device = execFileSync('losetup', ['--find', '--show', image]).toString().trim();
    if (kind === 'ext4') execFileSync('mount', [device, folder]);
    else execFileSync('mount.exfat-fuse', [device, folder], { stdio: 'ignore' });
    isMounted = true;
  };
  const takeAway = (): void => {
    if (isMounted) execFileSync('umount', [folder]);
    isMounted = false;
    execFileSync('losetup', ['--detach', device]);
  };
  putIn();
  onTestFinished(takeAway);
  return {
    folder,
    image,
    readSectors: () => {
      const name = device.replace('/dev/', '');
      const [, , sectors] = execFileSync('cat', [`/sys/block/${name}/stat`])
        .toString()
        .trim()
        .split(/ +/);
      return Number(sectors);
    },
    pullOut: () => {
      execFileSync('python3', ['-c', shutDown, folder]);
    },
    putIn: () => {
      takeAway();
      putIn();
    },
  };
}

/** EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: all that is asked of the file system afterwards is EIO. */
const shutDown = `
import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack('I', 2))
`;
