/** Makes a bundle, the one after it, and the delta between them: in files, as they are carried. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCache } from '../../../src/cache/cache.ts';
import { type Bundle } from '../../../src/bundle/open-bundle.ts';
import { prepareBundle } from '../../../src/bundle/prepare-bundle.ts';
import { createDelta, type Delta } from '../../../src/product/delta/create-delta.ts';
import { readBaseBundle } from '../../../src/product/delta/delta-base.ts';
import type { VirtualFile } from '../../../src/file/virtual-file.ts';
import { createStick, type Stick } from '../../../src/product/stick/create-stick.ts';
import { buildOddImages, buildSampleImages, type FixtureImage } from '../../fixtures/sample-images.ts';
import { createMemorySource } from '../../support/memory-source.ts';

export interface MadeDelta {
  /** The folder with the bundle before, as on a stick. */
  readonly old: string;
  /** The folder with the one after it. */
  readonly wanted: string;
  readonly delta: string;
  readonly facts: Omit<Delta, 'file'>;
  /** Names of the files of the new stick. */
  readonly names: readonly string[];
}

export interface MakeDeltaOptions {
  readonly oldPartSize?: number;
  readonly newPartSize?: number;
  readonly isArchiveOnly?: boolean;
}

/** Of the sample: revision 4 after 3, with images that came and went. Everything is in `folder`. */
export async function makeDelta(folder: string, options: MakeDeltaOptions = {}): Promise<MadeDelta> {
  const before = [...(await buildSampleImages({ revision: 3, scale: 4 })), ...(await buildOddImages())];
  const after = await buildSampleImages({ revision: 4, scale: 4 });
  const cache = await openCache(join(folder, 'cache'));
  const open = (images: readonly FixtureImage[]): Promise<Bundle> =>
    prepareBundle({
      source: createMemorySource(images),
      references: [],
      cache,
      profile: { preset: 0, extreme: false, check: 'crc64' },
    });
  const layOut = (bundle: Bundle, maxPartSize: number | undefined): Promise<Stick> =>
    createStick(bundle, {
      cache,
      tool: 'bundlefs 9.9.9',
      publishedMs: 0,
      ...(maxPartSize !== undefined && { maxPartSize }),
    });
  await using oldBundle = await open(before);
  await using newBundle = await open(after);
  const made = {
    old: join(folder, 'old'),
    wanted: join(folder, 'wanted'),
    delta: join(folder, 'update.delta'),
  };
  await writeStick(made.old, await layOut(oldBundle, options.oldPartSize));
  const stick = await layOut(newBundle, options.newPartSize);
  await writeStick(made.wanted, stick);
  const base = await readBaseBundle(oldBundle, '5 images of the test');
  const { file, ...facts } = await createDelta(newBundle, stick, base, options);
  await writeFile(made.delta, await readAll(file));
  return { ...made, facts, names: stick.files.map(({ name }) => name) };
}

async function writeStick(folder: string, { files }: Stick): Promise<void> {
  await mkdir(folder);
  for (const { name, content } of files) {
    await writeFile(
      join(folder, name),
      content.kind === 'bytes' ? content.bytes : await readAll(content.file),
    );
  }
}

async function readAll(file: VirtualFile): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.stream()) chunks.push(chunk);
  return Buffer.concat(chunks);
}
