/** walkTar: every way of writing a tar, and every way of not finishing one. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, linkSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BundleError } from '../../../src/ground/errors.ts';
import { FileByteReader, StreamByteReader } from '../../../src/format/tar/byte-reader.ts';
import { encodeTarHeader, tarEnd } from '../../../src/format/tar/tar-header.ts';
import { walkTar } from '../../../src/format/tar/walk-tar.ts';
import { buildTar, chunked, walkNames, readMembers, sealHeader, streamReader } from './tar-fixture.ts';

const members = [
  { name: 'blobs/one', bytes: Buffer.from('first') },
  { name: 'blobs/empty', bytes: Buffer.alloc(0) },
  { name: 'blobs/two', bytes: Buffer.alloc(1024, 'x') },
];

function fileOf(bytes: Uint8Array): {
  size: number;
  read(target: Uint8Array, position: number): Promise<number>;
} {
  return {
    size: bytes.length,
    // 700 at a time, for a read may give fewer bytes than it was asked for
    read: (target, position) =>
      Promise.resolve(Buffer.from(bytes).copy(target, 0, position, position + Math.min(700, target.length))),
  };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof BundleError ? error.code : `not refused: ${String(error)}`;
}

describe('walkTar on archives of other writers', () => {
  let folder: string;
  const long = `${'d'.repeat(90)}/${'e'.repeat(90)}/${'f'.repeat(90)}`;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'walk-tar-'));
    const tree = join(folder, 'tree');
    mkdirSync(join(tree, long), { recursive: true });
    writeFileSync(join(tree, 'plain'), 'plain content');
    linkSync(join(tree, 'plain'), join(tree, 'plain-link'));
    symlinkSync(long, join(tree, 'symlink'));
    writeFileSync(join(tree, long, 'näme'), 'deep');
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const save = (...options: string[]): Buffer =>
    execFileSync('tar', ['-C', join(folder, 'tree'), '--sort=name', ...options, '-cf', '-', '.']);

  test.each(['gnu', 'oldgnu', 'pax'])('gives what GNU tar wrote as %s', async (format) => {
    const found = await readMembers(save(`--format=${format}`));
    expect(found).toContainEqual({ kind: 'file', name: './plain', content: 'plain content' });
    expect(found).toContainEqual({
      kind: 'hardlink',
      name: './plain-link',
      linkName: './plain',
      content: '',
    });
    expect(found).toContainEqual({ kind: 'symlink', name: './symlink', linkName: long, content: '' });
    expect(found).toContainEqual({ kind: 'directory', name: `./${long}/`, content: '' });
    expect(found).toContainEqual({ kind: 'file', name: `./${long}/näme`, content: 'deep' });
    expect(found[0]).toEqual({ kind: 'directory', name: './', content: '' });
  });

  test.each(['ustar', 'v7'])('gives what GNU tar wrote as %s', async (format) => {
    const found = await readMembers(
      save(`--format=${format}`, `--exclude=${'d'.repeat(90)}`, '--exclude=symlink'),
    );
    expect(found.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'directory ./',
      'file ./plain',
      'hardlink ./plain-link',
    ]);
  });

  test('passes over a global PAX header', async () => {
    const found = await readMembers(
      save('--format=pax', '--pax-option=globexthdr.name=g,comment=hello', `--exclude=${'d'.repeat(90)}`),
    );
    expect(found.map(({ name }) => name)).toEqual(['./', './plain', './plain-link', './symlink']);
  });

  test('takes a name with a ustar prefix', async () => {
    const block = Buffer.from(encodeTarHeader({ name: 'name', size: 0 }));
    block.write('some/prefix', 345, 'latin1');
    expect(await readMembers(Buffer.concat([sealHeader(block), tarEnd]))).toEqual([
      { kind: 'file', name: 'some/prefix/name', content: '' },
    ]);
  });

  test('takes a base-256 size', async () => {
    const block = Buffer.from(encodeTarHeader({ name: 'name', size: 3 }));
    block.fill(0, 124, 136).writeUInt8(0x80, 124);
    block.writeUInt8(3, 135);
    const content = Buffer.concat([Buffer.from('abc'), Buffer.alloc(509)]);
    expect(await readMembers(Buffer.concat([sealHeader(block), content, tarEnd]))).toEqual([
      { kind: 'file', name: 'name', content: 'abc' },
    ]);
  });
});

describe('walkTar', () => {
  test('gives the members that were written, however the bytes are chunked', async () => {
    const member = fc.record({
      name: fc.stringMatching(/^[a-z0-9/._-]{0,99}[a-z0-9]$/),
      bytes: fc.uint8Array({ maxLength: 1500 }),
    });
    const lengths = fc.array(fc.integer({ min: 0, max: 1300 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(member, { maxLength: 5 }), lengths, async (written, sizes) => {
        const bytes = buildTar(written);
        const reader = new StreamByteReader(chunked(bytes, [...sizes, 100]), 'archive');
        expect(await readMembers(bytes, reader)).toEqual(
          written.map(({ name, bytes: content }) => ({
            kind: 'file',
            name,
            content: Buffer.from(content).toString('latin1'),
          })),
        );
      }),
      { numRuns: 60 },
    );
  });

  test('skips content that is not read, or not to its end', async () => {
    const names: string[] = [];
    const positions: number[] = [];
    for await (const entry of walkTar(streamReader(buildTar(members)))) {
      names.push(entry.name);
      positions.push(entry.contentPosition);
      if (entry.name === 'blobs/two') for await (const chunk of entry.stream()) if (chunk.length > 0) break;
    }
    expect(names).toEqual(['blobs/one', 'blobs/empty', 'blobs/two']);
    expect(positions).toEqual([512, 1536, 2048]);
  });

  test('seeks in a file, and reads only headers where content is skipped', async () => {
    const bytes = buildTar([{ name: 'big', bytes: Buffer.alloc(100_000) }, ...members]);
    let count = 0;
    const file = fileOf(bytes);
    const counting = {
      size: file.size,
      async read(target: Uint8Array, position: number): Promise<number> {
        const done = await file.read(target, position);
        count += done;
        return done;
      },
    };
    const contents: string[] = [];
    for await (const entry of walkTar(new FileByteReader(counting, 'archive'))) {
      if (entry.size < 10) contents.push(Buffer.from(await entry.read()).toString());
    }
    expect(contents).toEqual(['first', '']);
    expect(count).toBeLessThan(6000);
  });

  test('refuses content above the limit, content taken twice and content taken too late', async () => {
    const bytes = buildTar(members);
    let last: AsyncIterator<Uint8Array> | undefined;
    for await (const entry of walkTar(streamReader(bytes))) {
      if (entry.name === 'blobs/one') last = entry.stream()[Symbol.asyncIterator]();
      if (entry.name !== 'blobs/two') continue;
      await expect(last?.next()).rejects.toThrow(TypeError);
      expect(await codeOf(entry.read(1023))).toBe('archive-unsupported');
      expect((await entry.read(1024)).length).toBe(1024);
      await expect(entry.read()).rejects.toThrow(TypeError);
    }
  });

  test('closes the stream when it is broken off', async () => {
    let isClosed = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield* chunked(buildTar(members), [100]);
      } finally {
        isClosed = true;
      }
    }
    for await (const entry of walkTar(new StreamByteReader(source(), 'archive'))) {
      expect(entry.name).toBe('blobs/one');
      break;
    }
    expect(isClosed).toBe(true);
  });

  test('takes zeros behind the end, and archives without members', async () => {
    expect(await readMembers(Buffer.concat([buildTar(members), Buffer.alloc(10_000)]))).toHaveLength(3);
    expect(await readMembers(Buffer.from(tarEnd))).toEqual([]);
  });

  test('refuses every truncation, from a stream and from a file', async () => {
    const bytes = buildTar(members);
    for (let length = 1; length < bytes.length; length += length % 512 === 0 ? 1 : 511) {
      const short = bytes.subarray(0, length);
      expect([length, await codeOf(readMembers(short))]).toEqual([length, 'archive-truncated']);
      const reader = new FileByteReader(fileOf(short), 'archive');
      expect([length, await codeOf(walkNames(reader))]).toEqual([length, 'archive-truncated']);
    }
  });

  test('names an empty archive, and what is no archive', async () => {
    expect(await codeOf(readMembers(new Uint8Array(0)))).toBe('archive-empty');
    const text = Buffer.alloc(2000, 'not a tar at all, but a text. ');
    await expect(readMembers(text)).rejects.toMatchObject({
      code: 'archive-corrupt',
      message:
        'Cannot read archive "test.tar": it is not a tar archive, but text: "not a tar at all, but a text. not a tar at all, but a text."',
    });
    await expect(readMembers(Buffer.alloc(2000, 'no\0tar'))).rejects.toMatchObject({
      code: 'archive-corrupt',
      message: 'Cannot read archive "test.tar": it is not a tar archive',
    });
  });

  test('refuses a header with a wrong checksum', async () => {
    const bytes = buildTar(members);
    for (const position of [0, 124, 156, 1024 + 3, 1024 + 148]) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(position) ^ 1, position);
      expect([position, await codeOf(readMembers(damaged))]).toEqual([position, 'archive-corrupt']);
    }
  });

  test.each([
    ['a size beyond the end', '77777777777\0', 'archive-truncated'],
    ['a size that is no number', 'zz\0\0\0\0\0\0\0\0\0\0', 'archive-corrupt'],
    ['a negative size', '\xff'.repeat(12), 'archive-corrupt'],
    ['a size beyond 2^53', `\x80${'\xff'.repeat(11)}`, 'archive-corrupt'],
  ])('refuses %s', async (_, size, code) => {
    const bytes = buildTar(members);
    bytes.write(size, 124, 'latin1');
    sealHeader(bytes);
    expect(await codeOf(walkNames(streamReader(bytes)))).toBe(code);
    const reader = new FileByteReader(fileOf(bytes), 'archive');
    expect(await codeOf(walkNames(reader))).toBe(code);
  });

  test('refuses bytes behind a single zero block, as Go does', async () => {
    const bytes = buildTar(members);
    expect(await codeOf(readMembers(Buffer.concat([bytes.subarray(0, -512), bytes])))).toBe(
      'archive-corrupt',
    );
  });

  test("gives the engine's own error, wherever in the archive it stands", async () => {
    const bytes = buildTar(members);
    for (const length of [0, 100, 512, 1000, 1024, 2048, 2500, bytes.length - 512, bytes.length]) {
      for (const detail of ['x', 'x'.repeat(600)]) {
        const error = { errorDetail: { message: 'no space left' }, error: detail };
        const archive = Buffer.concat([
          bytes.subarray(0, length),
          Buffer.from(`${JSON.stringify(error)}\r\n`),
        ]);
        await expect(readMembers(archive), `at ${length}`).rejects.toMatchObject({
          code: 'source-failed',
          message: 'Cannot read archive "test.tar": the engine stopped with "no space left"',
        });
        const reader = new FileByteReader(fileOf(archive), 'archive');
        expect(await codeOf(walkNames(reader))).toBe('source-failed');
      }
    }
  });

  test('never hangs on or crashes from changed bytes', async () => {
    const bytes = buildTar(members);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bytes.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (position, change) => {
          const damaged = Buffer.from(bytes);
          damaged.writeUInt8(damaged.readUInt8(position) ^ change, position);
          sealHeader(damaged);
          await readMembers(damaged).catch((error: unknown) => {
            expect(error).toBeInstanceOf(BundleError);
          });
        },
      ),
      { numRuns: 200 },
    );
  });

  test('reads what tapes have of zeros behind the end, and refuses more of them than any program writes', async () => {
    const chunk = new Uint8Array(1024 * 1024);
    const readWithZeros = (count: number): Promise<string> => {
      async function* archive(): AsyncGenerator<Uint8Array> {
        yield await Promise.resolve(buildTar(members));
        for (let left = count; left > 0; left -= 1) yield chunk;
      }
      return codeOf(walkNames(new StreamByteReader(archive(), 'archive "test.tar"')));
    };
    expect(await readWithZeros(64)).toBe('not refused: undefined');
    expect(await readWithZeros(1026)).toBe('archive-unsupported');
  });
});
