/** Reads small files that people write. */
import { open } from '../disk/named-files.ts';
import { type BundleError, describeError, findErrno } from '../ground/errors.ts';
import { fileFault } from './file-fault.ts';

/** Far more than anybody writes by hand. */
export const mostTextSize = 4 * 1024 * 1024;

/** The text of the file at `path`. `what` it should be is said in messages. Throws selection-invalid. */
export async function readTextFile(path: string, what: string): Promise<string> {
  const text = await findTextFile(path, what);
  if (text !== undefined) return text;
  throw fileFault(path, undefined, `there is no such file, ${what} was expected`);
}

/** The same, or undefined where there is no such file. */
export async function findTextFile(path: string, what: string): Promise<string | undefined> {
  try {
    await using file = await open(path);
    const info = await file.stat();
    if (info.isDirectory()) throw fileFault(path, undefined, `it is a folder, ${what} was expected`);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of file.createReadStream({ autoClose: false }) as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > mostTextSize) throw tooLarge(path, what);
      chunks.push(chunk);
    }
    return decodeText(Buffer.concat(chunks), path, what);
  } catch (error) {
    const errno = findErrno(error);
    if (errno === undefined || !/^E[A-Z0-9]+$/.test(errno)) throw error;
    if (['ENOENT', 'ENOTDIR'].includes(errno)) return undefined;
    const reason = errno === 'EACCES' ? 'permission denied' : describeError(error);
    throw fileFault(path, undefined, reason, { cause: error });
  }
}

/** The error for more than mostTextSize bytes. */
export function tooLarge(path: string, what: string): BundleError {
  return fileFault(path, undefined, `it is larger than 4 MiB, ${what} was expected`);
}

/** `bytes` as UTF-8 without a byte order mark. Throws selection-invalid where they are none. */
export function decodeText(bytes: Uint8Array, path: string, what: string): string {
  // UTF-16 starts with a mark, or with a letter of ASCII, one byte of which is NUL.
  if (/^(?:fffe|feff|00..|..00)/.test(Buffer.from(bytes.subarray(0, 2)).toString('hex'))) {
    throw fileFault(path, undefined, `it is not text in UTF-8 but in UTF-16, ${what} was expected`, {
      hint: 'The > of Windows PowerShell writes UTF-16. Write it again: … | Out-File -Encoding ascii FILE',
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw fileFault(path, undefined, `it is not text in UTF-8, ${what} was expected`, { cause: error });
  }
}
