/** isSafeName: nothing that leaves the folder it is unpacked in. */
import { expect, test } from 'vitest';
import { isSafeName } from '../../../src/format/tar/walk-tar.ts';

test.each(['a', 'blobs/sha256/abc', './a', 'a..b/..c', 'dir/'])('isSafeName takes "%s"', (name) => {
  expect(isSafeName(name)).toBe(true);
});

test.each(['', '/a', '..', '../a', 'a/../b', 'a/..', 'a\0b'])('isSafeName refuses "%s"', (name) => {
  expect(isSafeName(name)).toBe(false);
});
