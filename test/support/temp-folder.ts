/** A folder that is gone when the test is over. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A new empty folder with a short path; removed with all that is in it when the running test ends. */
export async function makeTempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bfs-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
