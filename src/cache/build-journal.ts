/** The journal of builds: what each preparation of a bundle did and cost, newest first (docs/format.md, "The journal"). */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import * as z from 'zod';
import { listOwnFiles } from '../disk/own/list-own-files.ts';
import { makeOwnFolder } from '../disk/make-folder.ts';
import { removeOwnFile } from '../disk/own/own-files.ts';
import { isBundleError } from '../ground/errors.ts';
import type { BlockKey } from '../plan/layout/block-record.ts';
import { withCacheErrors } from './cache-error.ts';
import { findCheckedJson, writeCheckedJson } from './checked-json.ts';
import { digestSchema, diffIdSchema } from '../plan/layout/recipe.ts';

/** `<utc time>-<8 hex digits>.json`: names sort by time. */
export const journalForm = /^\d{8}T[0-9.]+Z-[0-9a-f]{8}\.json$/;

/** Entries that are kept; the oldest go when one more is put. */
const mostEntries = 500;

const countSchema = z.int().nonnegative();
const secondsSchema = z.number().nonnegative();
const keySchema = z.custom<BlockKey>((value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value));

const buildEntrySchema = z.object({
  format: z.literal('bundlefs-build-1'),
  /** When it began and ended, in ISO 8601, UTC. */
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  /** The verb that wanted the bundle: `build`, `mount`, `stream`, `load`, `refresh` … */
  verb: z.string(),
  /** The source's own description: `archive "images.tar"`. */
  source: z.string(),
  /** The version of bundlefs. */
  version: z.string(),
  /** The profile's name: `xz6-crc64-5.4.1-files-1`. */
  profile: z.string(),
  /** Set where it failed; then there is no recipe, and there are no statistics. */
  error: z.object({ code: z.string(), message: z.string() }).optional(),
  recipe: digestSchema.optional(),
  images: z.array(
    z.object({
      /** Fully qualified. */
      names: z.array(z.string()),
      config: digestSchema,
      layers: z.array(diffIdSchema),
    }),
  ),
  /** Stored bytes, but for the sizes called uncompressed. */
  statistics: z
    .object({
      blockCount: countSchema,
      encodedBlockCount: countSchema,
      reusedBlockCount: countSchema,
      encodedSize: countSchema,
      reusedSize: countSchema,
      uncompressedSize: countSchema,
      encodedUncompressedSize: countSchema,
      reusedUncompressedSize: countSchema,
    })
    .optional(),
  /** Keys of the blocks that were encoded, also by a build that failed. */
  encodedBlocks: z.array(keySchema),
  costs: z.object({
    /** Wall clock, from the beginning to the end. */
    seconds: secondsSchema,
    /** Wall clock while the source was read and nothing held the reader up. */
    readSeconds: secondsSchema,
    /** Wall clock while at least one block was being encoded, read back and stored; overlaps reading. */
    encodeSeconds: secondsSchema,
    /** Processor time of this process, all threads. */
    cpuSeconds: secondsSchema,
    /** Bytes read of the source. */
    readSize: countSchema,
  }),
});

/** One preparation of a bundle. */
export type BuildEntry = z.infer<typeof buildEntrySchema>;

export interface ListedBuild extends BuildEntry {
  /** Its file's name without `.json`: begins with the time it was put, so that names sort by time. */
  readonly id: string;
}

export interface BuildJournal {
  /** Writes an entry, and removes the oldest where there are too many. Throws cache-*. */
  putBuild(entry: BuildEntry): Promise<void>;
  /** The newest `limit` entries (all where left out), newest first. What is damaged or of another format is passed over. */
  listBuilds(options?: { readonly limit?: number }): Promise<ListedBuild[]>;
}

/** The journal in `folder`, which need not exist; `partials` is where entries are written first. */
export function openBuildJournal(folder: string, partials: string): BuildJournal {
  return {
    async putBuild(entry) {
      await withCacheErrors('make', folder, () => makeOwnFolder(folder));
      const time = entry.endedAt.replace(/[-:]/g, '');
      const name = `${time}-${randomBytes(4).toString('hex')}.json`;
      await writeCheckedJson(join(folder, name), entry, partials);
      for (const old of (await listNames(folder)).slice(mostEntries)) {
        await withCacheErrors('remove', old, () => removeOwnFile(join(folder, old)));
      }
    },
    async listBuilds({ limit = Number.POSITIVE_INFINITY } = {}) {
      const entries: ListedBuild[] = [];
      for (const name of await listNames(folder)) {
        if (entries.length >= limit) break;
        const entry = await findEntry(join(folder, name));
        if (entry !== undefined) entries.push({ ...entry, id: name.slice(0, -'.json'.length) });
      }
      return entries;
    },
  };
}

/** Names of entries, newest first. */
async function listNames(folder: string): Promise<string[]> {
  const files = await withCacheErrors('read', folder, () => listOwnFiles(folder, journalForm));
  return files.map(({ name }) => name).reverse();
}

/** One entry that cannot be read must not hide the others. */
async function findEntry(path: string): Promise<BuildEntry | undefined> {
  try {
    const found = buildEntrySchema.safeParse(await findCheckedJson(path));
    return found.success ? found.data : undefined;
  } catch (error) {
    if (isBundleError(error)) return undefined;
    throw error;
  }
}
