/** What the test daemon shows: known to the daemon, which serves it, and to the tests, which compare. */
import { createHash } from 'node:crypto';
import { type BundleDirectory, createBundleDirectory } from '../../../src/mount/fuse/bundle-directory.ts';
import { createMemoryFile } from '../../../src/mount/fuse/mounted-file.ts';
import { createChunkedFile } from './chunked-file.ts';
import { faultyFiles } from './faulty-files.ts';
import { createGeneratedFile } from './generated-file.ts';

export const archiveName = 'images.tar.xz';
export const checksumName = `${archiveName}.sha256`;
/** Needs offsets above 32 bits. */
export const huge = { name: 'huge.bin', size: 5 * 2 ** 30 + 123, seed: 77 };
/** Takes a while to read to its end: 128 reads of 32 KiB, as sha256sum does, of 5 ms each. */
export const slow = { name: 'slow.bin', size: 32 * 128 * 1024, seed: 5 };
/** Shown by generation 1 only. */
export const passing = { name: 'passing.bin', size: 1_000_003, seed: 9 };
export const hiddenName = '.state';
export const folderName = 'layers';
export const mtimeMs = Date.UTC(2024, 1, 29, 12, 30, 15, 250);

/** The archive of a generation: another length and other bytes in each, the second shorter than the first. */
export function createArchive(generation: number): ReturnType<typeof createChunkedFile> {
  return createChunkedFile(1000 * generation, generation === 1 ? 3000 : 1500);
}

export function createTestDirectory(generation: number): BundleDirectory {
  const archive = createArchive(generation);
  const checksum = createHash('sha256').update(archive.content).digest('hex');
  const common = { kind: 'file', mtimeMs: mtimeMs + generation * 1000 } as const;
  return createBundleDirectory(
    [
      { ...common, name: archiveName, ino: 10 * generation, file: archive },
      {
        ...common,
        name: checksumName,
        ino: 10 * generation + 1,
        file: createMemoryFile(Buffer.from(`${checksum}  ${archiveName}\n`)),
      },
      { ...common, name: huge.name, ino: 2, file: createGeneratedFile({ ...huge }) },
      {
        ...common,
        name: slow.name,
        ino: 3,
        file: createGeneratedFile({ ...slow, answers: 'later', readTimeMs: 5 }),
      },
      ...(generation === 1
        ? [{ ...common, name: passing.name, ino: 4, file: createGeneratedFile(passing) }]
        : []),
      { ...common, name: hiddenName, ino: 5, hidden: true, file: createMemoryFile(Buffer.from('{}')) },
      {
        kind: 'folder',
        name: folderName,
        ino: 6,
        mtimeMs,
        entries: [{ ...common, name: 'one.tar', ino: 7, file: createMemoryFile(Buffer.from('one')) }],
      },
      {
        kind: 'folder',
        name: 'faulty',
        ino: 8,
        mtimeMs,
        entries: Object.entries(faultyFiles).map(([name, file], index) => ({
          ...common,
          name,
          ino: 100 + index,
          file,
        })),
      },
    ],
    { mtimeMs },
  );
}
