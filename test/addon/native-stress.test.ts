/** The threads of the addon under sanitizers: extent table, file cache, handles and encoder pool, without JavaScript. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const native = fileURLToPath(new URL('../../native/', import.meta.url));
const program = fileURLToPath(new URL('support/native-stress.cc', import.meta.url));
const sources = [
  'block-decoder.cc',
  'block-encoder.cc',
  'encoder-pool.cc',
  'extent-table.cc',
  'fd-cache.cc',
  'file-stamp.cc',
  'frame-decoder.cc',
  'frame-encoder.cc',
  'open-without-links.cc',
  'pinned-runs.cc',
  'read-handles.cc',
  'sha256.cc',
];

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'native-stress-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('the native code', { timeout: 120_000 }, () => {
  it.each(['thread', 'address,undefined'])(
    'runs on many threads without a finding of -fsanitize=%s',
    (sanitizer) => {
      const built = join(folder, 'stress');
      const flags = ['-std=c++17', '-g', '-O1', '-Wall', '-Wextra', '-Werror', `-fsanitize=${sanitizer}`];
      const files = [program, ...sources.map((source) => join(native, source))];
      expect(run('g++', [...flags, '-o', built, ...files, '-llzma', '-lzstd', '-pthread'])).toEqual({
        status: 0,
        output: '',
      });
      const data = join(folder, 'data');
      mkdirSync(data);
      // At fixed addresses: ThreadSanitizer of gcc 12 does not start where a kernel randomizes more bits than it knows.
      expect(run('setarch', ['--addr-no-randomize', built, data])).toEqual({ status: 0, output: '' });
    },
  );
});

function run(command: string, args: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  return { status, output: stdout + stderr };
}
