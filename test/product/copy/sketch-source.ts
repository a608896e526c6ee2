/** Something to copy that is no bundle: files of any bytes, under the names that a bundle's have. */
import { createCipheriv, createHash } from 'node:crypto';
import { fileOfBytes } from '../../../src/file/file-of-bytes.ts';
import { type CopyFile, type CopySource } from '../../../src/product/copy/copy-source.ts';
import { sumsName } from '../../../src/bundle/file-names.ts';
import { digestOf, hexOf } from '../../../src/ground/digest.ts';
import { sketchBundle } from '../stick/descriptions.ts';

/** `size` bytes that look random, and are the same for the same seed. */
export function randomBytes(size: number, seed: string): Buffer {
  const key = createHash('md5').update(seed).digest();
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

/** A source of `archives` by name and the small files, with their SHA256SUMS. */
export function sketchSource(archives: Readonly<Record<string, Buffer>>, note = ''): CopySource {
  const bytes = new Map<string, Buffer>([
    ...Object.entries(archives),
    ...['load.sh', 'verify.sh', 'bundle.json', 'index.html'].map(
      (name) => [name, Buffer.from(`${name} ${note}\n`)] as const,
    ),
  ]);
  const sums = [...bytes].map(([name, content]) => `${hexOf(digestOf(content))}  ${name}\n`).join('');
  bytes.set(sumsName, Buffer.from(sums));
  return {
    description: sketchBundle([]).description,
    files: [...bytes].map(([name, content]) => sketchFile(name, content)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function sketchFile(name: string, bytes: Buffer): CopyFile {
  const mode = name.endsWith('.sh') ? 0o555 : 0o444;
  return { name, mode, mtimeMs: 5000, digest: digestOf(bytes), content: fileOfBytes(bytes) };
}

/** The same source; `action` is called when the file `name` is read from `position` on in order to be written. */
export function interruptAt(
  source: CopySource,
  name: string,
  position: number,
  action: () => void,
): CopySource {
  return {
    ...source,
    files: source.files.map((file) => {
      if (file.name !== name) return file;
      const { content } = file;
      async function* stream(options: Parameters<typeof content.stream>[0] = {}): AsyncGenerator<Uint8Array> {
        let done = options.start ?? 0;
        for await (const chunk of content.stream(options)) {
          if (done <= position && done + chunk.length > position) action();
          yield chunk;
          done += chunk.length;
        }
      }
      return { ...file, content: { ...content, stream } };
    }),
  };
}
