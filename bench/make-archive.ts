/** Archives of any size for measuring: as `docker save` writes them, with files that nothing can compress. */
import { createCipheriv, createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { packTar, type TarMember } from '../sample/pack-tar.mjs';

export interface NoiseArchiveOptions {
  readonly layerCount: number;
  /** Of each layer. */
  readonly fileCount: number;
  /** Bytes of each file. */
  readonly fileSize: number;
  /** Bytes at its start that are noise, zeros behind them; all where absent. */
  readonly noiseSize?: number;
  /** Equal seeds give equal bytes. */
  readonly seed: string;
}

const chunkSize = 1024 * 1024;
const tarBlockSize = 512;

/** Writes an archive with one image, `bench/noise:1`, to `path`: in constant memory, at hashing speed. */
export async function writeNoiseArchive(path: string, options: NoiseArchiveOptions): Promise<void> {
  await pipeline(packTar(archiveMembers(options)), createWriteStream(path, { highWaterMark: chunkSize }));
}

async function* archiveMembers(options: NoiseArchiveOptions): AsyncGenerator<TarMember> {
  const diffIds: string[] = [];
  const names: string[] = [];
  for (let index = 0; index < options.layerCount; index += 1) {
    const hash = createHash('sha256');
    const name = `${index}/layer.tar`;
    yield {
      name,
      size: layerSize(options),
      content: hashing(packTar(layerMembers(options, index)), (chunk) => hash.update(chunk)),
    };
    await Promise.resolve();
    names.push(name);
    diffIds.push(`sha256:${hash.digest('hex')}`);
  }
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: diffIds },
    }),
  );
  const configName = `${createHash('sha256').update(config).digest('hex')}.json`;
  yield { name: configName, content: config };
  const manifest = [{ Config: configName, RepoTags: ['bench/noise:1'], Layers: names }];
  yield { name: 'manifest.json', content: Buffer.from(JSON.stringify(manifest)) };
}

async function* hashing(
  stream: AsyncIterable<Uint8Array>,
  onChunk: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    onChunk(chunk);
    yield chunk;
  }
}

function layerSize({ fileCount, fileSize }: NoiseArchiveOptions): number {
  return fileCount * (tarBlockSize + Math.ceil(fileSize / tarBlockSize) * tarBlockSize) + 2 * tarBlockSize;
}

function* layerMembers(
  { fileCount, fileSize, noiseSize = fileSize, seed }: NoiseArchiveOptions,
  layer: number,
): Generator<TarMember> {
  for (let index = 0; index < fileCount; index += 1) {
    yield {
      name: `srv/${layer}/${String(index).padStart(6, '0')}.bin`,
      size: fileSize,
      content: fileContent(`${seed}/${layer}/${index}`, noiseSize, fileSize),
    };
  }
}

/** Bytes of a key stream (AES-CTR), as good as random for a compressor and made at memory speed, then zeros. */
async function* fileContent(seed: string, noiseSize: number, size: number): AsyncGenerator<Uint8Array> {
  const key = createHash('sha256').update(seed).digest();
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(chunkSize);
  for (let done = 0; done < size;) {
    await Promise.resolve();
    const isNoise = done < noiseSize;
    const chunk = zeros.subarray(0, Math.min(chunkSize, (isNoise ? noiseSize : size) - done));
    yield isNoise ? cipher.update(chunk) : chunk;
    done += chunk.length;
  }
}
