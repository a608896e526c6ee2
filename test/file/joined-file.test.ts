/** Joined files: any read is a slice of the whole. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { joinFiles } from '../../src/file/joined-file.ts';
import { readChunks } from '../../src/file/read-chunks.ts';
import { joinStream } from '../support/join-stream.ts';
import type { VirtualFile } from '../../src/file/virtual-file.ts';

/** Gives at most seven bytes at once, as a file may. */
function memoryFile(bytes: Buffer): VirtualFile {
  const file: VirtualFile = {
    size: bytes.length,
    read: (target, position) => Promise.resolve(bytes.copy(target.subarray(0, 7), 0, position)),
    stream: (options) => readChunks(file, options),
    close: () => Promise.resolve(),
  };
  return file;
}

it('joinFiles reads and streams any range as a slice of all parts joined', async () => {
  const parts = fc.array(fc.uint8Array({ maxLength: 30 }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(parts, fc.nat(200), fc.nat(60), async (bytes, position, length) => {
      const whole = Buffer.concat(bytes);
      const file = joinFiles(bytes.map((part) => memoryFile(Buffer.from(part))));
      expect(file.size).toBe(whole.length);
      const target = Buffer.alloc(length);
      const count = await file.read(target, position);
      const wanted = whole.subarray(position, position + length);
      expect(target.subarray(0, count)).toEqual(wanted);
      const chunks = file.stream({ start: position, end: Math.min(whole.length, position + length) });
      expect(await joinStream(chunks)).toEqual(wanted);
    }),
  );
});
