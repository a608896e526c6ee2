/** The fuzzer itself: a program with one fault, and the finding that it must be. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { baseArchive } from '../../fuzz/base-images.ts';
import { type Kind, runCase } from '../../fuzz/fuzz-case.ts';
import { archiveKind, buildBothWays } from '../../fuzz/kinds/archive.ts';
import { bundlefs, type Program, runProgram } from '../../fuzz/run-program.ts';
import { BundleError, type ErrorCode } from '../../src/ground/errors.ts';

let folder: string;
const cwd = process.cwd();
const environment = { ...process.env };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bfs-'));
});
afterEach(() => {
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, environment);
  rmSync(folder, { recursive: true });
});

/** A case whose input is a sound archive, so that what is found is the fault of the program. */
const sound: Kind = {
  name: 'sound',
  about: '',
  run: async (fuzz) => {
    await buildBothWays(fuzz, await baseArchive('hybrid'));
  },
};

function run(program: Program, kind = sound, index = 0): Promise<void> {
  return runCase(kind, { seed: 'planted', index, folder: join(folder, String(index)), program });
}

/** The program, and then `fault`, for one verb. */
function after(verb: string, fault: (args: readonly string[]) => void): Program {
  return async (args) => {
    await bundlefs(args);
    if (args[0] === verb) fault(args);
  };
}

function outputOf(args: readonly string[]): string {
  return args[args.indexOf('-o') + 1] ?? '';
}

describe('a program without a fault', () => {
  it('is found none in, and leaves nothing', async () => {
    await run(bundlefs);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a case', () => {
  it('changes the same each time', async () => {
    const refusing: Program = () => Promise.reject(new BundleError('archive-corrupt', 'Cannot read'));
    const changes: string[][] = [[], []];
    for (const list of changes) {
      await runCase(archiveKind, { seed: '7', index: 3, folder: join(folder, 'x'), program: refusing }, list);
    }
    expect(changes[0]?.length).toBeGreaterThan(1);
    expect(changes[0]).toEqual(changes[1]);
  });
});

describe('a fault of the program is found', () => {
  it.each<[string, Program, RegExp]>([
    [
      'an error that is no BundleError',
      () => Promise.reject(new RangeError('Invalid array length')),
      /no BundleError: RangeError: Invalid array length/,
    ],
    [
      'an error of the system as it is',
      async () => Promise.resolve(readFileSync('/nowhere')).then(() => undefined),
      /no BundleError.*ENOENT/,
    ],
    [
      'a code that docs/errors.md does not have',
      () => Promise.reject(new BundleError('odd' as ErrorCode, 'Cannot')),
      /"odd" is not documented/,
    ],
    [
      'a code that blames the cache for the archive',
      () => Promise.reject(new BundleError('cache-failed', 'Cannot write')),
      /ended with cache-failed/,
    ],
    [
      'a message as long as the input',
      // BundleError itself shortens what it is made with.
      () =>
        Promise.reject(Object.assign(new BundleError('archive-corrupt', 'x'), { message: 'x'.repeat(5000) })),
      /a message of 5000 characters/,
    ],
    [
      'success without an output',
      after('build', (args) => {
        rmSync(outputOf(args));
      }),
      /without an output/,
    ],
    [
      'a file half-written beside the output',
      after('build', (args) => {
        writeFileSync(`${outputOf(args)}.partial`, '');
      }),
      /left behind: random\.tar\.xz\.partial/,
    ],
    [
      'a temporary file',
      after('verify', () => {
        writeFileSync(join(process.env['TMPDIR'] ?? '', 'x'), '');
      }),
      /left behind: x/,
    ],
    [
      'a file of another user that is changed',
      after('verify', () => {
        writeFileSync('outside/precious', '');
      }),
      /"outside\/precious" was changed/,
    ],
    [
      'a file of another user that is removed',
      after('build', () => {
        rmSync('outside/precious');
      }),
      /"outside\/precious" was removed/,
    ],
    [
      'a file beside the input',
      after('inspect', () => {
        writeFileSync('in/images.tar.idx', '');
      }),
      /"in\/images\.tar\.idx" was written/,
    ],
    [
      'a bundle that xz does not read',
      after('build', (args) => {
        writeFileSync(outputOf(args), readFileSync(outputOf(args)).subarray(0, 500));
      }),
      /xz does not read the bundle/,
    ],
    [
      'a bundle with a changed byte in a layer',
      after('build', (args) => {
        const tar = execFileSync('xz', ['-dc', outputOf(args)]);
        tar.writeUInt8(tar.readUInt8(600) ^ 1, 600); // in the first layer
        writeFileSync(outputOf(args), execFileSync('xz', ['-0'], { input: tar }));
      }),
      /has other bytes than it is named after/,
    ],
    [
      'verify that calls a sound bundle damaged',
      async (args) => {
        if (args[0] === 'verify' && args[1]?.includes('out/') === true) {
          throw new BundleError('bundle-corrupt', 'Cannot trust');
        }
        await bundlefs(args);
      },
      /verify of a bundle that was just built/,
    ],
    [
      'an archive that is refused as a file and taken as a stream',
      async (args) => {
        if (args[0] !== 'inspect' && args.some((word) => word.endsWith('images.tar'))) {
          throw new BundleError('archive-corrupt', 'Cannot');
        }
        await bundlefs(args);
      },
      /taken as a stream, and refused as a file/,
    ],
  ])('%s', async (_, program, message) => {
    await expect(run(program)).rejects.toThrow(message);
  });

  it('verify that calls everything sound, within a few cases', async () => {
    const program: Program = async (args) => {
      if (args[0] === 'verify' && args[1]?.includes('in/') === true) return;
      await bundlefs(args);
    };
    const found: unknown[] = [];
    for (let index = 0; index < 12 && found.length === 0; index += 1) {
      await run(program, archiveKind, index).catch((error: unknown) => found.push(error));
    }
    expect(found.map(String)).toEqual(['Finding: verify calls sound what build refuses']);
  });

  it('time and memory above the limits', async () => {
    const busy: Program = () => {
      for (const start = process.cpuUsage(); process.cpuUsage(start).user < 200_000;);
      return Promise.resolve();
    };
    await expect(runProgram(busy, ['build'], { cpuSeconds: 0.1, memoryMiB: 9000 })).rejects.toThrow(
      /took \d+\.\d s of CPU/,
    );
    await expect(runProgram(busy, ['build'], { cpuSeconds: 60, memoryMiB: 1 })).rejects.toThrow(/MiB/);
  });
});
