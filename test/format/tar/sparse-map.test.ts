/** Sparse members: all forms that GNU tar writes, by a writer of this test's own and by GNU tar; and maps that lie. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BundleError } from '../../../src/ground/errors.ts';
import { type ByteReader, FileByteReader, StreamByteReader } from '../../../src/format/tar/byte-reader.ts';
import { encodePaxHeader, encodeTarHeader, tarEnd, tarPadding } from '../../../src/format/tar/tar-header.ts';
import { walkTar } from '../../../src/format/tar/walk-tar.ts';
import { chunked, sealHeader, streamReader } from './tar-fixture.ts';

interface Run {
  readonly start: number;
  readonly bytes: Uint8Array;
}
interface SparseFile {
  readonly size: number;
  readonly runs: readonly Run[];
}

const forms = ['old', '0.0', '0.1', '1.0'] as const;
type Form = (typeof forms)[number];

const padded = (bytes: Uint8Array): Buffer => Buffer.concat([bytes, Buffer.alloc(tarPadding(bytes.length))]);

/** The member `name`; `pairs` are what its map says, its runs where left out. */
function pack(
  form: Form,
  { size, runs }: SparseFile,
  pairs = runs.map(({ start, bytes }) => [start, bytes.length]),
  count: number = pairs.length,
): Buffer {
  const stored = Buffer.concat(runs.map(({ bytes }) => bytes));
  if (form === 'old') return packOld(size, pairs, stored);
  const map: [string, string][] =
    form === '0.0'
      ? pairs.flatMap(([start, length]): [string, string][] => [
          ['GNU.sparse.offset', String(start)],
          ['GNU.sparse.numbytes', String(length)],
        ])
      : [['GNU.sparse.map', pairs.flat().join()]];
  const records: [string, string][] =
    form === '1.0'
      ? [
          ['GNU.sparse.major', '1'],
          ['GNU.sparse.minor', '0'],
          ['GNU.sparse.name', 'name'],
          ['GNU.sparse.realsize', String(size)],
        ]
      : [
          ['GNU.sparse.size', String(size)],
          ['GNU.sparse.numblocks', String(count)],
          ...(form === '0.1' ? ([['GNU.sparse.name', 'name']] as [string, string][]) : []),
          ...map,
        ];
  const inFront = form === '1.0' ? padded(Buffer.from([count, ...pairs.flat()].join('\n') + '\n')) : '';
  const content = Buffer.concat([Buffer.from(inFront), stored]);
  const header = encodeTarHeader({
    name: form === '0.0' ? 'name' : 'GNUSparseFile.1/name',
    size: content.length,
  });
  const extended = encodePaxHeader(records.map(([key, value]) => [key, Buffer.from(value)]));
  return Buffer.concat([extended, header, padded(content)]);
}

function packOld(size: number, pairs: readonly number[][], stored: Buffer): Buffer {
  const header = Buffer.from(encodeTarHeader({ name: 'name', size: stored.length }));
  header.write('S', 156, 'latin1');
  header.write('ustar  \0', 257, 'latin1');
  header.fill(0, 329, 512);
  const octal = (value: number): string => `${value.toString(8).padStart(11, '0')}\0`;
  const entries = pairs.map((pair) => pair.map(octal).join(''));
  header.write(entries.slice(0, 4).join(''), 386, 'latin1');
  header.writeUInt8(entries.length > 4 ? 1 : 0, 482);
  header.write(octal(size), 483, 'latin1');
  const blocks: Buffer[] = [];
  for (let index = 4; index < entries.length; index += 21) {
    const block = Buffer.alloc(512);
    block.write(entries.slice(index, index + 21).join(''), 0, 'latin1');
    block.writeUInt8(entries.length > index + 21 ? 1 : 0, 504);
    blocks.push(block);
  }
  return Buffer.concat([sealHeader(header), ...blocks, padded(stored)]);
}

function expand({ size, runs }: SparseFile): Buffer {
  const whole = Buffer.alloc(size);
  for (const { start, bytes } of runs) whole.set(bytes, start);
  return whole;
}

const after = Buffer.concat([encodeTarHeader({ name: 'after', size: 3 }), padded(Buffer.from('abc'))]);
const archiveOf = (member: Buffer): Buffer => Buffer.concat([member, after, tarEnd]);

function fileReader(bytes: Buffer): ByteReader {
  const file = {
    size: bytes.length,
    read: (target: Uint8Array, position: number) => Promise.resolve(bytes.copy(target, 0, position)),
  };
  return new FileByteReader(file, 'archive');
}

async function readAll(reader: ByteReader): Promise<(readonly [string, string, Buffer])[]> {
  const members: (readonly [string, string, Buffer])[] = [];
  for await (const entry of walkTar(reader)) {
    members.push([entry.kind, entry.name, Buffer.from(await entry.read())]);
    expect(entry.size).toBe(members.at(-1)?.[2].length);
  }
  return members;
}

const sparseFile = fc
  .array(fc.tuple(fc.nat(3000), fc.uint8Array({ maxLength: 700 })), { maxLength: 60 })
  .chain((parts) => {
    let end = 0;
    const runs = parts.map(([gap, bytes]) => {
      const start = end + gap;
      end = start + bytes.length;
      return { start, bytes };
    });
    return fc.nat(5000).map((hole): SparseFile => ({ size: end + hole, runs }));
  });

describe('walkTar of a sparse member', () => {
  test.each(forms)('gives the file with its holes, in the form %s', async (form) => {
    await fc.assert(
      fc.asyncProperty(sparseFile, fc.integer({ min: 40, max: 1300 }), async (file, length) => {
        fc.pre(file.runs.length > 0 || form === 'old' || form === '1.0');
        const bytes = archiveOf(pack(form, file));
        const wanted = [
          ['file', 'name', expand(file)],
          ['file', 'after', Buffer.from('abc')],
        ];
        expect(await readAll(new StreamByteReader(chunked(bytes, [length]), 'archive'))).toEqual(wanted);
        expect(await readAll(fileReader(bytes))).toEqual(wanted);
      }),
      { numRuns: 12 },
    );
  });

  test.each([
    ['--format=oldgnu'],
    ['--format=gnu'],
    ['--format=pax', '--sparse-version=0.0'],
    ['--format=pax', '--sparse-version=0.1'],
    ['--format=pax', '--sparse-version=1.0'],
  ])('gives what GNU tar packed with -S %s %s', async (...options) => {
    const folder = mkdtempSync(join(tmpdir(), 'bfs-'));
    try {
      const path = join(folder, 'holes');
      writeFileSync(path, '');
      for (let index = 0; index < 40; index += 1) {
        execFileSync('dd', [`of=${path}`, 'conv=notrunc', `seek=${index * 3}`, 'bs=65536', 'status=none'], {
          input: Buffer.alloc(5000 + index, 65 + index),
        });
      }
      truncateSync(path, 9_000_000);
      const bytes = execFileSync('tar', ['-C', folder, '-S', ...options, '-cf', '-', 'holes']);
      expect(bytes.length).toBeLessThan(1_000_000);
      for (const reader of [streamReader(bytes), fileReader(bytes)]) {
        const [[kind, name, content] = []] = await readAll(reader);
        expect([kind, name, sha256(content)]).toEqual(['file', 'holes', sha256(readFileSync(path))]);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('holds no hole in memory', async () => {
    const size = 1024 ** 3;
    const archive = archiveOf(pack('1.0', { size, runs: [{ start: size / 2, bytes: Buffer.from('x') }] }));
    const [before, sizes] = [process.memoryUsage().arrayBuffers, new Set<number>()];
    let done = 0;
    for await (const entry of walkTar(streamReader(archive))) {
      if (entry.name !== 'name') continue;
      for await (const chunk of entry.stream()) {
        done += chunk.length;
        sizes.add(chunk.length);
      }
    }
    expect(done).toBe(size);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1024 * 1024);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(size / 2);
  });

  const one = { size: 1000, runs: [{ start: 100, bytes: Buffer.alloc(50, 'x') }] };
  const lies: readonly (readonly [string, number[][]])[] = [
    ['a part beyond the end', [[990, 50]]],
    ['fewer bytes than are stored', [[100, 49]]],
    ['more bytes than are stored', [[100, 51]]],
    [
      'parts that overlap',
      [
        [100, 25],
        [110, 25],
      ],
    ],
    [
      'parts out of order',
      [
        [200, 25],
        [100, 25],
      ],
    ],
  ];
  const cases = forms.flatMap((form) => lies.map(([fault, pairs]) => ({ form, fault, pairs })));
  test.each(cases)('in the form $form refuses a map with $fault', async ({ form, pairs }) => {
    await expectCorrupt(archiveOf(pack(form, one, pairs)));
  });

  test.each(['0.0', '0.1', '1.0'] as const)(
    'refuses a count of parts that lies, in the form %s',
    async (form) => {
      for (const count of [0, 2, 7, 1e15]) {
        const error = await errorOf(archiveOf(pack(form, one, undefined, count)));
        expect(['archive-corrupt', 'archive-unsupported', 'archive-truncated']).toContain(error.code);
      }
    },
  );

  test('refuses maps that are no numbers, and that do not end', async () => {
    const good = pack('1.0', one);
    const at = good.indexOf('1\n100\n50\n');
    for (const text of ['x\n100\n50\n', '1\n1x0\n50\n', '1\n-10\n50\n', '999999999']) {
      const bad = Buffer.from(good);
      bad.write(text, at, 'latin1');
      await expectCorrupt(archiveOf(bad));
    }
    const old = packOld(1000, [[100, 50]], Buffer.alloc(50));
    old.write('zzz', 386, 'latin1');
    await expectCorrupt(archiveOf(sealHeader(old)));
    old.writeUInt8(1, 482);
    await expectCorrupt(sealHeader(old));
  });
});

async function errorOf(bytes: Buffer): Promise<BundleError> {
  const error: unknown = await readAll(streamReader(bytes)).catch((reason: unknown) => reason);
  if (error instanceof BundleError) return error;
  throw new TypeError('It was not refused', { cause: error });
}

async function expectCorrupt(bytes: Buffer): Promise<void> {
  const error = await errorOf(bytes);
  expect([error.code, error.message]).toEqual(['archive-corrupt', expect.stringContaining('sparse')]);
}

function sha256(bytes: Buffer | undefined): string {
  return createHash('sha256')
    .update(bytes ?? '')
    .digest('hex');
}
