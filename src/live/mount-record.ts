/** What is written down of each mount of this user, so that it can be found, and missed when it has died. */
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { findErrno } from '../errors.ts';
import { makePrivateFolder, mountId, stateFolder } from './mount-places.ts';

const recordSchema = z.object({
  format: z.literal('bundlefs-mount-1'),
  mountPoint: z.string(),
  pid: z.int().positive(),
  since: z.string(),
  socketPath: z.string().optional(),
  logPath: z.string().optional(),
});

export type MountRecord = z.infer<typeof recordSchema>;

function recordPath(mountPoint: string, environment: NodeJS.ProcessEnv): string {
  return join(stateFolder(environment), 'mounts', `${mountId(mountPoint)}.json`);
}

/** Writes `record` down in the place of an older one of the same mount point. */
export async function keepRecord(record: MountRecord, environment: NodeJS.ProcessEnv): Promise<void> {
  const path = recordPath(record.mountPoint, environment);
  await makePrivateFolder(join(stateFolder(environment), 'mounts'));
  const partial = `${path}.${process.pid}.partial`;
  await writeFile(partial, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  await rename(partial, path);
}

/** Removes the record of `mountPoint`; where `pid` is given, only that process's. */
export async function forgetRecord(
  mountPoint: string,
  environment: NodeJS.ProcessEnv,
  pid?: number,
): Promise<void> {
  if (pid !== undefined && (await findRecord(mountPoint, environment))?.pid !== pid) return;
  await rm(recordPath(mountPoint, environment), { force: true });
}

export async function findRecord(
  mountPoint: string,
  environment: NodeJS.ProcessEnv,
): Promise<MountRecord | undefined> {
  const record = await readRecord(recordPath(mountPoint, environment));
  return record?.mountPoint === mountPoint ? record : undefined;
}

/** All records of this user, by mount point. */
export async function listRecords(environment: NodeJS.ProcessEnv): Promise<readonly MountRecord[]> {
  const folder = join(stateFolder(environment), 'mounts');
  const names = await readdir(folder).catch((error: unknown) => {
    if (findErrno(error) === 'ENOENT') return [];
    throw error;
  });
  const paths = names.filter((name) => name.endsWith('.json')).map((name) => join(folder, name));
  const records = await Promise.all(paths.map((path) => readRecord(path)));
  return records
    .filter((record) => record !== undefined)
    .sort((a, b) => (a.mountPoint < b.mountPoint ? -1 : 1));
}

/** A record that cannot be read, or is none, is as good as absent. */
async function readRecord(path: string): Promise<MountRecord | undefined> {
  try {
    return recordSchema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  } catch {
    return undefined;
  }
}
