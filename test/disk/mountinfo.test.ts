/** Reading mountinfo, its text and the real one. */
import { expect, test } from 'vitest';

import { findCoveringMount, findMount, parseMountinfo } from '../../src/disk/mountinfo.ts';

test('parseMountinfo reads escapes, optional fields in any number, and the options of both sides', () => {
  const text = [
    '23 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,discard',
    '42 23 0:39 / /mnt/a\\040b\\011c\\012d\\134e ro,nosuid - fuse.bundlefs bundlefs ro,user_id=0',
    '43 23 0:40 /sub /mnt/größe rw master:1 propagate_from:2 - fuse.other with\\040space rw',
    '44 23 0:41 / /mnt/empty rw - tmpfs  rw',
    '',
  ].join('\n');
  expect(parseMountinfo(text)).toEqual([
    {
      mountId: 23,
      device: '8:1',
      mountPoint: '/',
      type: 'ext4',
      source: '/dev/sda1',
      options: ['rw', 'relatime', 'rw', 'discard'],
    },
    {
      mountId: 42,
      device: '0:39',
      mountPoint: '/mnt/a b\tc\nd\\e',
      type: 'fuse.bundlefs',
      source: 'bundlefs',
      options: ['ro', 'nosuid', 'ro', 'user_id=0'],
    },
    {
      mountId: 43,
      device: '0:40',
      mountPoint: '/mnt/größe',
      type: 'fuse.other',
      source: 'with space',
      options: ['rw', 'rw'],
    },
    {
      mountId: 44,
      device: '0:41',
      mountPoint: '/mnt/empty',
      type: 'tmpfs',
      source: '',
      options: ['rw', 'rw'],
    },
  ]);
});

test('findMount finds what is mounted exactly there', async () => {
  expect(await findMount('/proc')).toMatchObject({ type: 'proc', mountPoint: '/proc' });
  expect(await findMount('/proc/self')).toBeUndefined();
});

test('findCoveringMount finds the innermost mount around a path, and no namesake', async () => {
  expect(await findCoveringMount('/proc/self/fd')).toMatchObject({ mountPoint: '/proc' });
  expect(await findCoveringMount('/proc')).toMatchObject({ mountPoint: '/proc' });
  expect(await findCoveringMount('/procession')).toMatchObject({ mountPoint: '/' });
});
