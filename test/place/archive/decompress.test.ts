import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decompress, findCompression } from '../../../src/place/archive/decompress.ts';
import { storeZstd } from '../../fixtures/store-zstd.ts';

const content = Buffer.concat(
  Array.from({ length: 3000 }, (_, index) =>
    Buffer.from(`${index * 7919} line of ${'text '.repeat(index % 40)}\n`),
  ),
);

function compress(program: string, ...args: readonly string[]): Buffer {
  return execFileSync(program, [...args], { input: content, maxBuffer: 2 ** 26 });
}

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) {
    yield await Promise.resolve(bytes.subarray(start, start + size));
  }
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const forms: Readonly<Record<string, () => Buffer>> = {
  none: () => content,
  gzip: () => compress('gzip'),
  'gzip, two members': () =>
    Buffer.concat([gzipSync(content.subarray(0, 999)), gzipSync(content.subarray(999))]),
  'gzip with zeros behind it': () => Buffer.concat([compress('gzip'), Buffer.alloc(700)]),
  zstd: () => compress('zstd', '-q', '-3'),
  'zstd -19 with a long window': () => compress('zstd', '-q', '-19', '--long=24'),
  'zstd without checksum': () => compress('zstd', '-q', '--no-check'),
  'zstd, two frames': () =>
    Buffer.concat([storeZstd(content.subarray(0, 999)), storeZstd(content.subarray(999))]),
  'zstd behind a skippable frame': () =>
    Buffer.concat([Buffer.from('502a4d1804000000deadbeef', 'hex'), compress('zstd', '-q')]),
  xz: () => compress('xz', '-0'),
  'xz, many blocks': () => compress('xz', '-0', '-T2', '--block-size=20000'),
};

describe.each(Object.entries(forms))('decompress of %s', (name, make) => {
  it.each([1, 97, 65_536, 2 ** 24])('gives the content of chunks of %i bytes', async (size) => {
    const bytes = make();
    const chunkSize = size === 1 ? Math.ceil(bytes.length / 30_000) : size; // each chunk is a step of a thread
    expect((await collect(decompress(inChunks(bytes, chunkSize), 'it'))).equals(content)).toBe(true);
  });

  it('finds out what it is', () => {
    expect(findCompression(make().subarray(0, 10))).toBe(/^\w+/.exec(name)?.[0]);
  });

  if (name !== 'none') {
    it('throws for input that is cut off', async () => {
      const bytes = name.includes('zeros') ? make().subarray(0, -700) : make();
      for (const size of [11, 20, bytes.length >> 1, bytes.length - 5]) {
        const reading = collect(decompress(inChunks(bytes.subarray(0, size), 5000), 'it'));
        await expect(reading).rejects.toMatchObject({ code: /^(?:archive|xz)-truncated$/ });
      }
    });
  }
});

describe('decompress', () => {
  it('throws what its source throws', async () => {
    const reason = new Error('the pipe broke');
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield* inChunks(compress('gzip').subarray(0, 5000), 500);
      throw reason;
    }
    await expect(collect(decompress(failing(), 'it'))).rejects.toBe(reason);
  });

  it('throws archive-corrupt for damaged gzip and zstd', async () => {
    for (const bytes of [compress('gzip'), compress('zstd', '-q')]) {
      bytes.fill(0xa5, 40, 400);
      await expect(collect(decompress(inChunks(bytes, 5000), 'it'))).rejects.toMatchObject({
        code: 'archive-corrupt',
      });
    }
  });

  it('gives nothing for nothing', async () => {
    expect(await collect(decompress(inChunks(Buffer.alloc(0), 1), 'it'))).toHaveLength(0);
  });

  it('refuses lz4 and bzip2, and not a tar that starts with their letters', async () => {
    const lz4 = Buffer.from('04224d18644000', 'hex');
    await expect(collect(decompress(inChunks(lz4, 9), 'it'))).rejects.toMatchObject({
      code: 'archive-unsupported',
    });
    expect(findCompression(Buffer.from('BZh91AY&SY'))).toBe('bzip2');
    expect(findCompression(Buffer.from('425a683917724538509000000000', 'hex'))).toBe('bzip2');
    expect(findCompression(Buffer.from('BZh9-notes.txt\0'))).toBe('none');
  });
});
