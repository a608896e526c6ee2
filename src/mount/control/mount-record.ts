/** What is written down of each mount of this user, so that it can be found, and missed when it has died. */
import { join } from 'node:path';
import * as z from 'zod';
import { listOwnFiles } from '../../disk/own/list-own-files.ts';
import { readPrivateFile, removeOwnFile } from '../../disk/own/own-files.ts';
import { makePrivateFolder } from '../../disk/own/private-folder.ts';
import { replaceOwnFile } from '../../disk/own/replace-own-file.ts';
import { mountId, recordFolder } from './mount-places.ts';

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
  return join(recordFolder(environment), `${mountId(mountPoint)}.json`);
}

/** Writes `record` down in the place of an older one of the same mount point. */
export async function keepRecord(record: MountRecord, environment: NodeJS.ProcessEnv): Promise<void> {
  const path = recordPath(record.mountPoint, environment);
  await makePrivateFolder(recordFolder(environment));
  await replaceOwnFile(path, `${JSON.stringify(record)}\n`);
}

/** Removes the record of `mountPoint`; where `pid` is given, only that process's. */
export async function forgetRecord(
  mountPoint: string,
  environment: NodeJS.ProcessEnv,
  pid?: number,
): Promise<void> {
  if (pid !== undefined && (await findRecord(mountPoint, environment))?.pid !== pid) return;
  await removeOwnFile(recordPath(mountPoint, environment));
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
  const files = await listOwnFiles(recordFolder(environment), /^[0-9a-f]{12}\.json$/, () => undefined);
  const records = await Promise.all(files.map(({ path }) => readRecord(path)));
  return records
    .filter((record) => record !== undefined)
    .sort((a, b) => (a.mountPoint < b.mountPoint ? -1 : 1));
}

/** A record that cannot be read, is none, or may be somebody else's, is as good as absent. */
async function readRecord(path: string): Promise<MountRecord | undefined> {
  try {
    const bytes = await readPrivateFile(path);
    return recordSchema.safeParse(bytes && JSON.parse(bytes.toString())).data;
  } catch {
    return undefined;
  }
}
