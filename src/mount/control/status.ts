/** What a mount says of itself: to `bundlefs status`, in `.bundlefs/status.json`, and in its metrics. */
import * as z from 'zod';

const count = z.int().nonnegative();
const time = z.string();

const imageSchema = z.object({
  /** Short names, as docker shows them. */
  names: z.array(z.string()),
  id: z.string(),
  layers: z.array(z.string()),
});

const failureSchema = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() });

/** How far a refresh is, in bytes of content. */
export const progressSchema = z.object({
  readSize: count,
  totalSize: count.optional(),
  encodedSize: count,
  reusedSize: count,
});

/** By the names of images, short as docker shows them. */
export const changesSchema = z.object({
  added: z.array(z.string()),
  removed: z.array(z.string()),
  /** Of names that stand for other images now. */
  changed: z.array(z.string()),
});

/** One try to make a new generation. */
export const refreshSchema = z.object({
  result: z.enum(['published', 'unchanged', 'failed']),
  /** What it was for: `asked for`, `image event: tag`, … */
  reason: z.string(),
  started: time,
  seconds: z.number().nonnegative(),
  /** The generation that stands since. */
  generation: count,
  /** Stored bytes of its blocks that had to be encoded and those that were there. */
  encodedSize: count,
  reusedSize: count,
  changes: changesSchema,
  error: failureSchema.optional(),
});

export const statusSchema = z.object({
  format: z.literal('bundlefs-status-1'),
  version: z.string(),
  mountPoint: z.string(),
  /** `draining`: unmounted, and open files are read to their end. */
  state: z.enum(['serving', 'draining']),
  pid: count,
  since: time,
  isWatching: z.boolean(),
  generation: z.object({
    number: count,
    recipe: z.string(),
    published: time,
    size: count,
    sha256: z.string(),
    images: z.array(imageSchema),
  }),
  /** Of all generations; those before the last are gone when none of theirs is open. */
  openHandleCount: count,
  olderGenerations: z.array(z.object({ number: count, openHandleCount: count })),
  refresh: z.object({
    state: z.enum(['idle', 'waiting', 'running']),
    reason: z.string().optional(),
    started: time.optional(),
    progress: progressSchema.optional(),
  }),
  lastRefresh: refreshSchema.optional(),
  /** When the images were last looked at with success: at the start, or by a refresh. */
  lastSuccess: time,
  totals: z.object({
    refreshCount: count,
    failureCount: count,
    encodedSize: count,
    reusedSize: count,
  }),
  /** The engine watched; absent where none is. */
  engine: z
    .object({
      state: z.enum(['connecting', 'connected', 'away']),
      since: time,
      description: z.string().optional(),
      reason: z.string().optional(),
    })
    .optional(),
  /** Files whose edits are watched. */
  watchedFiles: z.array(z.string()),
  /** Bytes of the daemon in memory. */
  residentSize: count,
  logPath: z.string().optional(),
});

export type MountStatus = z.infer<typeof statusSchema>;
export type ImageSummary = z.infer<typeof imageSchema>;
export type RefreshRecord = z.infer<typeof refreshSchema>;
export type RefreshProgress = z.infer<typeof progressSchema>;
export type ImageChanges = z.infer<typeof changesSchema>;
