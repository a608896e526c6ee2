/** How tests read archives that are wrong, and look at what is thrown. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { BundleError, type ErrorCode } from '../../../src/ground/errors.ts';
import type { Image } from '../../../src/image/image.ts';
import { parseReference } from '../../../src/image/reference.ts';
import type { ImageSource } from '../../../src/image/image-source.ts';
import { openSource } from '../../../src/place/open-source.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { asInput } from '../offer-images.ts';
import { createRecordingSink } from '../recording-sink.ts';

export type Opener = (archive: AsyncIterable<Uint8Array>) => Promise<ImageSource>;

/** Offer an archive at random access, and in one forward pass. */
export const openers: Readonly<Record<string, Opener>> = {
  'a file': async (archive) => {
    const path = join(await makeTempFolder(), 'images.tar');
    await writeFile(path, archive);
    return openSource(path);
  },
  'standard input': (archive) => openSource('-', { input: asInput(archive) }),
};

/** The images of `source`, which is closed. */
export async function read(source: ImageSource, names: readonly string[] = []): Promise<readonly Image[]> {
  try {
    return await source.readImages(names.map(parseReference), createRecordingSink());
  } finally {
    await source.close();
  }
}

/** The BundleError that `work` throws. */
export async function catchError(work: Promise<unknown>): Promise<BundleError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof BundleError) return error;
  throw new TypeError('No BundleError was thrown', { cause: error });
}

/** The same, whose code must be this one. */
export async function expectCode(work: Promise<unknown>, code: ErrorCode): Promise<BundleError> {
  const error = await catchError(work);
  expect({ code: error.code, message: error.message }).toMatchObject({ code });
  return error;
}

/** A stream of one chunk. */
export async function* inOne(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}
