/** The real xz as a filter. */
import { spawnSync } from 'node:child_process';

/** What `xz` writes for `input`; throws with its message where it fails. */
export function runXz(args: readonly string[], input: Uint8Array): Buffer {
  const { status, stdout, stderr, error } = spawnSync('xz', args, { input, maxBuffer: 256 * 1024 * 1024 });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`xz ended with ${status}: ${stderr.toString()}`);
  return stdout;
}
