/** Runs a verb in this process, as `bundlefs` would, and holds its outcome to what docs/errors.md promises. */
import { CommanderError } from 'commander';
import { exitStatus } from '../src/cli/exit-status.ts';
import { createProgram } from '../src/cli/main.ts';
import { type BundleError, describeError, isBundleError } from '../src/ground/errors.ts';
import { Finding } from './finding.ts';

/** What a verb did. */
export interface Outcome {
  readonly args: readonly string[];
  readonly stdout: string;
  readonly stderr: string;
  /** What it threw; undefined where it succeeded. */
  readonly error: BundleError | undefined;
}

/** Runs a verb with these arguments; what is thrown is the verb's error. */
export type Program = (args: readonly string[]) => Promise<void>;

/** Far above what any of the cases needs, which have some KiB of images. */
export interface CaseLimits {
  readonly cpuSeconds: number;
  readonly memoryMiB: number;
}

export const caseLimits: CaseLimits = { cpuSeconds: 5, memoryMiB: 900 };

/** Of a message: longer ones were made of the input without a limit. */
const longestMessage = 4600;

/** The verbs of src. */
export const bundlefs: Program = async (args) => {
  await createProgram(new AbortController().signal).parseAsync([...args], { from: 'user' });
};

/**
 * Runs `program` with `args`. Throws a Finding where it ends otherwise than with success or a documented error, or takes
 * more than `limits`. CPU time is that of the process, so cases must not run side by side.
 */
export async function runProgram(
  program: Program,
  args: readonly string[],
  limits: CaseLimits = caseLimits,
): Promise<Outcome> {
  const before = process.cpuUsage();
  const stdout = capture(process.stdout);
  const stderr = capture(process.stderr);
  let error: unknown;
  try {
    await program(args);
  } catch (thrown) {
    error = thrown ?? new Error('nothing was thrown');
  } finally {
    stdout.release();
    stderr.release();
    process.exitCode = undefined;
  }
  const { user, system } = process.cpuUsage(before);
  const what = `bundlefs ${args.join(' ')}`;
  checkError(what, error);
  const seconds = (user + system) / 1e6;
  if (seconds > limits.cpuSeconds) throw new Finding(`${what}: took ${seconds.toFixed(1)} s of CPU`);
  const memoryMiB = process.resourceUsage().maxRSS / 1024;
  if (memoryMiB > limits.memoryMiB) throw new Finding(`${what}: took ${memoryMiB.toFixed(0)} MiB`);
  return {
    args,
    stdout: stdout.text(),
    stderr: stderr.text(),
    error: isBundleError(error) ? error : undefined,
  };
}

function checkError(what: string, error: unknown): void {
  if (error === undefined) return;
  if (error instanceof CommanderError) throw new Finding(`${what}: no such command (${error.message})`);
  if (!isBundleError(error)) {
    const stack = error instanceof Error ? error.stack : undefined;
    throw new Finding(`${what}: an error that is no BundleError: ${stack ?? describeError(error)}`);
  }
  if (!(error.code in exitStatus)) throw new Finding(`${what}: the code "${error.code}" is not documented`);
  if (error.message.length > longestMessage)
    throw new Finding(`${what}: a message of ${error.message.length} characters`);
}

function capture(stream: NodeJS.WriteStream): { text(): string; release(): void } {
  const parts: Buffer[] = [];
  const write = stream.write.bind(stream);
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
    parts.push(Buffer.from(chunk as string));
    const done = rest.at(-1);
    if (typeof done === 'function') (done as () => void)();
    return true;
  };
  return {
    text: () => Buffer.concat(parts).toString(),
    release() {
      stream.write = write;
    },
  };
}
