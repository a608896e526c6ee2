import { expect, it } from 'vitest';
import { createSnapshotFile } from '../../../src/mount/live/snapshot-file.ts';

it('gives each handle what was so when it was opened, with a size that fits', async () => {
  let nowMs = 0;
  let text = 'one';
  const file = createSnapshotFile(
    () => Buffer.from(text),
    () => nowMs,
  );
  expect(file.size).toBe(3);
  const first = await file.open();
  text = 'longer than before';
  nowMs += 10_000;
  expect(file.size).toBe(3); // of what the first reader holds
  const second = await file.open();
  expect([first.size, second.size]).toEqual([3, text.length]);
  const target = Buffer.alloc(100);
  expect(target.toString('utf8', 0, first.tryRead(target, 0))).toBe('one');
  expect(target.toString('utf8', 0, second.tryRead(target, 0))).toBe(text);
  first.close();
  second.close();
  text = 'three';
  nowMs += 10_000;
  expect(file.size).toBe(5);
});
