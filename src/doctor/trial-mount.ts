/** A tiny mount that is made to be read once: what `bundlefs trial-mount` does, in a process of its own. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { registerReadModule } from '../addon/read-module.ts';
import { BundleError, describeError, isBundleError } from '../ground/errors.ts';
import { createBundleDirectory } from '../mount/fuse/bundle-directory.ts';
import { loadFuseNative } from '../mount/fuse/fuse-library.ts';
import { createMemoryFile } from '../mount/fuse/mounted-file.ts';
import { mountBundle } from '../mount/fuse/mount-bundle.ts';

export const trialReportSchema = z.object({
  /** Where the loaded libfuse 2 lies; absent where none could be loaded. */
  library: z.string().optional(),
  /** Why JavaScript has to answer reads; absent where the read module does. */
  slowReads: z.object({ code: z.string(), message: z.string() }).optional(),
  /** Absent where everything went well. */
  failure: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }).optional(),
});

export type TrialReport = z.infer<typeof trialReportSchema>;

const fileName = 'trial';
const content = 'read through a mount of bundlefs\n';
const readTimeoutMs = 10_000;

/**
 * Mounts at the empty folder `path`, has another process read a file there, and unmounts. Throws nothing. The process
 * must end by process.exit afterwards (see BundleMount).
 */
export async function tryMount(path: string, signal: AbortSignal): Promise<TrialReport> {
  let report: TrialReport = {};
  try {
    loadFuseNative();
    const library = await findLoadedLibrary();
    const slowReads = findObstacle();
    report = { library, slowReads };
    const entry = { kind: 'file', name: fileName, ino: 2, mtimeMs: 0 } as const;
    const directory = createBundleDirectory([{ ...entry, file: createMemoryFile(Buffer.from(content)) }], {
      mtimeMs: 0,
    });
    const mount = await mountBundle(() => directory, path, { signal });
    try {
      await readBack(join(mount.mountPoint, fileName));
    } finally {
      await mount.unmount({ drainTimeoutMs: 0 });
    }
    return report;
  } catch (error) {
    return { ...report, failure: describeFailure(error) };
  }
}

function findObstacle(): TrialReport['slowReads'] {
  try {
    registerReadModule();
    return undefined;
  } catch (error) {
    return describeFailure(error);
  }
}

/** By the name that fuse-native asks for: what is mapped is what it got. */
async function findLoadedLibrary(): Promise<string | undefined> {
  return /\s(\/\S*\/libfuse\.so\.2\S*)$/m.exec(await readFile('/proc/self/maps', 'utf8'))?.[1];
}

/** In another process, for this one would wait for its own answer. */
async function readBack(path: string): Promise<void> {
  const script = 'process.stdout.write(require("node:fs").readFileSync(process.argv[1]))';
  const env = { ...process.env, NODE_OPTIONS: '' };
  const options = { cwd: '/', env, timeout: readTimeoutMs, killSignal: 'SIGKILL' } as const;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script, path], options);
  if (stdout === content) return;
  throw new BundleError('mount-failed', `Cannot read "${path}": other bytes came than were served`);
}

function describeFailure(error: unknown): NonNullable<TrialReport['failure']> {
  if (!isBundleError(error)) return { code: 'mount-failed', message: describeError(error) };
  const { code, message, hint } = error;
  return { code, message, hint };
}
