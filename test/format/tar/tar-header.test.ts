/** encodeTarHeader: accepted by the tars of this world, also from 8 GiB on. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, openSync, closeSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileByteReader } from '../../../src/format/tar/byte-reader.ts';
import { encodeTarHeader, tarEnd, tarPadding } from '../../../src/format/tar/tar-header.ts';
import { walkTar } from '../../../src/format/tar/walk-tar.ts';
import { buildTar } from './tar-fixture.ts';

const gib = 1024 ** 3;
const python = `
import sys, tarfile
for m in tarfile.open(sys.argv[1]):
    print(m.name, m.size, oct(m.mode), m.uid, m.gid, m.mtime, repr(m.uname), m.isreg())
`;

describe('encodeTarHeader', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tar-header-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** A file of one member whose content is a hole. */
  function writeSparse(name: string, size: number): string {
    const path = join(folder, 'sparse.tar');
    const header = encodeTarHeader({ name, size });
    const total = header.length + size + tarPadding(size) + tarEnd.length;
    writeFileSync(path, header);
    truncateSync(path, total);
    return path;
  }

  test('is one block below 8 GiB, three from there on', () => {
    expect(encodeTarHeader({ name: 'a', size: 8 * gib - 1 }).length).toBe(512);
    expect(encodeTarHeader({ name: 'a', size: 8 * gib }).length).toBe(3 * 512);
  });

  test('is byte for byte the ustar header of GNU tar', () => {
    writeFileSync(join(folder, 'member'), Buffer.alloc(4711, 'x'));
    const options = [
      '--format=ustar',
      '--numeric-owner',
      '--owner=0',
      '--group=0',
      '--mode=0644',
      '--mtime=@0',
    ];
    const archive = execFileSync('tar', [...options, '-C', folder, '-cf', '-', 'member']);
    expect(Buffer.from(encodeTarHeader({ name: 'member', size: 4711 }))).toEqual(archive.subarray(0, 512));
  });

  test('is what GNU tar and python read back', () => {
    const path = join(folder, 'small.tar');
    writeFileSync(
      path,
      buildTar([
        { name: 'blobs/one', bytes: Buffer.from('first') },
        { name: 'n'.repeat(100), bytes: Buffer.alloc(0) },
      ]),
    );
    expect(execFileSync('tar', ['--utc', '--numeric-owner', '-tvf', path], { encoding: 'utf8' })).toBe(
      `-rw-r--r-- 0/0               5 1970-01-01 00:00 blobs/one\n-rw-r--r-- 0/0               0 1970-01-01 00:00 ${'n'.repeat(100)}\n`,
    );
    expect(execFileSync('tar', ['-xOf', path, 'blobs/one'], { encoding: 'utf8' })).toBe('first');
    expect(execFileSync('python3', ['-c', python, path], { encoding: 'utf8' })).toBe(
      `blobs/one 5 0o644 0 0 0 '' True\n${'n'.repeat(100)} 0 0o644 0 0 0 '' True\n`,
    );
  });

  test.each([8 * gib - 1, 8 * gib, 100 * gib + 1])('is accepted for %d bytes', async (size) => {
    const path = writeSparse('blobs/sha256/big', size);
    const listed = execFileSync('tar', ['--numeric-owner', '-tvf', path], { encoding: 'utf8' });
    expect(listed).toContain(` ${size} `);
    expect(execFileSync('python3', ['-c', python, path], { encoding: 'utf8' })).toContain(
      `blobs/sha256/big ${size} `,
    );
    const total = encodeTarHeader({ name: 'blobs/sha256/big', size }).length + size + tarPadding(size) + 1024;
    const start = encodeTarHeader({ name: 'blobs/sha256/big', size });
    const file = {
      size: total,
      read(target: Uint8Array, position: number): Promise<number> {
        target.fill(0);
        if (position < start.length) target.set(start.subarray(position, position + target.length));
        return Promise.resolve(target.length);
      },
    };
    const found = [];
    for await (const entry of walkTar(new FileByteReader(file, 'archive')))
      found.push([entry.name, entry.size]);
    expect(found).toEqual([['blobs/sha256/big', size]]);
  });

  test('is accepted by readers that know GNU sizes only', () => {
    const size = 9 * gib;
    const path = join(folder, 'gnu.tar');
    const header = encodeTarHeader({ name: 'big', size }).subarray(1024);
    writeFileSync(path, header);
    truncateSync(path, header.length + size + 1024);
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.from('end'), 0, 3, header.length + size - 3);
    closeSync(file);
    expect(execFileSync('tar', ['-tvf', path], { encoding: 'utf8' })).toContain(` ${size} `);
  });

  test('refuses names and sizes that do not fit', () => {
    expect(() => encodeTarHeader({ name: 'n'.repeat(101), size: 0 })).toThrow(RangeError);
    expect(() => encodeTarHeader({ name: '', size: 0 })).toThrow(RangeError);
    expect(() => encodeTarHeader({ name: 'ü', size: 0 })).toThrow(RangeError);
    expect(() => encodeTarHeader({ name: 'a', size: -1 })).toThrow(RangeError);
    expect(() => encodeTarHeader({ name: 'a', size: 2 ** 53 })).toThrow(RangeError);
  });
});

test('tarPadding fills up to the next multiple of 512', () => {
  expect([0, 1, 511, 512, 513, 8 * gib + 1].map(tarPadding)).toEqual([0, 511, 1, 0, 511, 511]);
});
