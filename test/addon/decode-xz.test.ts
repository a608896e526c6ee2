/** decodeXz against files of the real xz, whole and damaged. */
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decodeXz, type DecodeXzOptions } from '../../src/addon/decode-xz.ts';
import { runXz } from './support/run-xz.ts';
import { noiseBytes, textBytes } from './support/sample-bytes.ts';

const content = textBytes(3_000_000);
const manyBlocks = runXz(['-zc', '-T2', '-1', '--block-size=200000'], content);
const unsizedBlocks = runXz(['-zc', '-T1', '-1', '--block-size=200000'], content);

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) {
    yield await Promise.resolve(bytes.subarray(start, start + size));
  }
}

async function decodeAll(file: Uint8Array, options?: DecodeXzOptions, chunkSize = 65_536): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of decodeXz(inChunks(file, chunkSize), options)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('decodeXz', () => {
  const padding = Buffer.alloc(12);
  const small = runXz(['-zc', '--check=sha256'], content.subarray(0, 1000));
  const files: { name: string; file: Buffer; wanted: Buffer }[] = [
    { name: 'one block', file: runXz(['-zc', '-1'], content), wanted: content },
    { name: 'many blocks with sizes', file: manyBlocks, wanted: content },
    { name: 'many blocks without sizes', file: unsizedBlocks, wanted: content },
    { name: 'nothing inside', file: runXz(['-zc'], Buffer.alloc(0)), wanted: Buffer.alloc(0) },
    { name: 'zeros', file: runXz(['-zc', '-9'], Buffer.alloc(20_000_000)), wanted: Buffer.alloc(20_000_000) },
    {
      name: 'incompressible content',
      file: runXz(['-zc', '-0', '--check=crc32'], noiseBytes(5_000_000)),
      wanted: noiseBytes(5_000_000),
    },
    { name: 'no check', file: runXz(['-zc', '--check=none', '-0'], content), wanted: content },
    { name: 'an x86 filter', file: runXz(['-zc', '--x86', '--lzma2=preset=0'], content), wanted: content },
    {
      name: 'concatenated Streams with padding',
      file: Buffer.concat([small, manyBlocks, padding, small, padding]),
      wanted: Buffer.concat([content.subarray(0, 1000), content, content.subarray(0, 1000)]),
    },
  ];

  it.each(files)('reads a file with $name, on one thread and on more', async ({ file, wanted }) => {
    expect((await decodeAll(file)).equals(wanted)).toBe(true);
    expect((await decodeAll(file, { threads: 1 })).equals(wanted)).toBe(true);
    expect((await decodeAll(file, { threads: 4 }, 1_000_003)).equals(wanted)).toBe(true);
  });

  it('reads input in chunks of one byte, and empty ones', async () => {
    const file = runXz(['-zc'], content.subarray(0, 5000));
    async function* withEmpty(): AsyncGenerator<Uint8Array> {
      for await (const chunk of inChunks(file, 1)) {
        yield chunk;
        yield new Uint8Array();
      }
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of decodeXz(withEmpty())) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(content.subarray(0, 5000))).toBe(true);
  });

  it.each([0, 1, 5, 12, 13, 1000, manyBlocks.length - 40, manyBlocks.length - 12, manyBlocks.length - 1])(
    'throws xz-truncated for a file that ends after %s bytes',
    async (size) => {
      await expect(decodeAll(manyBlocks.subarray(0, size))).rejects.toMatchObject({ code: 'xz-truncated' });
      await expect(decodeAll(manyBlocks.subarray(0, size), { threads: 1 })).rejects.toMatchObject({
        code: 'xz-truncated',
      });
    },
  );

  it('throws xz-corrupt for a flipped bit anywhere', async () => {
    for (let position = 0; position < manyBlocks.length; position += 29_989) {
      const damaged = Buffer.from(manyBlocks);
      damaged.writeUInt8(damaged.readUInt8(position) ^ 4, position);
      await expect(decodeAll(damaged)).rejects.toMatchObject({ code: 'xz-corrupt' });
      await expect(decodeAll(damaged, { threads: 1 })).rejects.toMatchObject({ code: 'xz-corrupt' });
    }
  });

  it('throws xz-corrupt for what is no .xz file, for garbage behind one, and for padding that is no multiple of four', async () => {
    const bad = [
      content.subarray(0, 5000),
      Buffer.concat([manyBlocks, content.subarray(0, 100)]),
      Buffer.concat([manyBlocks, Buffer.alloc(6)]),
    ];
    for (const file of bad) await expect(decodeAll(file)).rejects.toMatchObject({ code: 'xz-corrupt' });
  });

  it('throws xz-unsupported for a check that nobody can verify', async () => {
    const file = Buffer.from(runXz(['-zc'], content.subarray(0, 100)));
    // Stream Header with the reserved check 2, and its CRC32 made right again (.xz 1.2.1 §2.1.1).
    Buffer.from([0, 2]).copy(file, 6);
    file.writeUInt32LE(crc32(file.subarray(6, 8)), 8);
    await expect(decodeAll(file)).rejects.toMatchObject({ code: 'xz-unsupported' });
  });

  it('gives chunks of 1 MiB at most, each its own', async () => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of decodeXz(inChunks(manyBlocks, 10_000))) chunks.push(chunk);
    expect(chunks.map((chunk) => chunk.length)).toEqual([1_048_576, 1_048_576, 3_000_000 - 2 * 1_048_576]);
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
  });

  it('reads no further than its consumer wants', async () => {
    const file = runXz(['-zc', '-0'], noiseBytes(12_000_000));
    let given = 0;
    let isReturned = false;
    async function* input(): AsyncGenerator<Uint8Array> {
      try {
        for await (const chunk of inChunks(file, 65_536)) {
          given += chunk.length;
          yield chunk;
        }
      } finally {
        isReturned = true;
      }
    }
    for await (const chunk of decodeXz(input(), { threads: 1 })) {
      expect(chunk.length).toBe(1_048_576);
      break;
    }
    expect(given).toBeLessThan(4_000_000);
    expect(isReturned).toBe(true);
  });

  it('ends with the reason of an abort, and with the error of its input', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    const decode = async (): Promise<void> => {
      for await (const chunk of decodeXz(inChunks(manyBlocks, 1000), { signal: controller.signal })) {
        expect(chunk.length).toBeGreaterThan(0);
        controller.abort(reason);
      }
    };
    await expect(decode()).rejects.toBe(reason);
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield* inChunks(manyBlocks.subarray(0, 5000), 1000);
      throw reason;
    }
    const decodeFailing = async (): Promise<void> => {
      for await (const chunk of decodeXz(failing())) expect(chunk.length).toBeGreaterThan(0);
    };
    await expect(decodeFailing()).rejects.toBe(reason);
  });

  it('refuses a count of threads that is none', async () => {
    for (const threads of [0, -1, 1.5])
      await expect(decodeAll(manyBlocks, { threads })).rejects.toThrow(RangeError);
  });
});
