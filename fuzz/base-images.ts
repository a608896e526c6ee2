/** The images that cases begin with: small, with all that images have, and the archives of them. */
import { execFileSync } from 'node:child_process';
import { makeImage, makeLayer, makeTree, sha256 } from '../sample/make-image.mjs';
import { collect } from '../sample/pack-tar.mjs';
import { buildOddImages, type FixtureImage } from '../test/fixtures/sample-images.ts';
import { hybridArchive } from '../test/fixtures/write-hybrid-archive.ts';
import { legacyArchive } from '../test/fixtures/write-legacy-archive.ts';
import { ociArchive } from '../test/fixtures/write-oci-layout.ts';

/** web (of revision 1 or 2) and worker on one base, about 30 KB; odd and untagged, which have every kind of file. */
export async function buildBaseImages(revision: 1 | 2 = 1): Promise<FixtureImage[]> {
  const base = await makeLayer(
    makeTree('lib', { seed: 'fuzz', count: 4, smallest: 200, largest: 6000, binary: 0.5 }),
  );
  const web = await makeLayer(
    makeTree('app', { seed: `web ${revision}`, count: 3, smallest: 10, largest: 3000 }),
  );
  const worker = await makeLayer(makeTree('app', { seed: 'worker', count: 2, smallest: 100, largest: 900 }));
  return [
    makeImage({ name: 'web', tags: [`fuzz/web:${revision}`, 'fuzz/web:latest'], layers: [base, web] }),
    makeImage({ name: 'worker', tags: ['fuzz/worker:1'], layers: [base, worker] }),
    ...(await buildOddImages()),
  ];
}

/** The digests of the base images' configs, 64 hex digits each: no other image can be in what was only damaged. */
export const baseConfigs = once(async () => (await buildBaseImages()).map(({ config }) => sha256(config)));

/** The forms that archives of images have. */
export const archiveForms = ['legacy', 'hybrid', 'hybrid with gzip', 'oci', 'nested oci with zstd'] as const;

/** The archive of `images` in this form. */
export async function makeArchive(
  images: readonly FixtureImage[],
  form: (typeof archiveForms)[number],
): Promise<Buffer> {
  const packed = {
    legacy: () => legacyArchive(images),
    hybrid: () => hybridArchive(images),
    'hybrid with gzip': () => hybridArchive(images, { gzipLayers: true }),
    oci: () => ociArchive(images),
    'nested oci with zstd': () => ociArchive(images, { compression: 'zstd', nested: true }),
  }[form]();
  return collect(packed);
}

/** A function that makes something once for each argument list, since making it costs more than a case. */
export function once<Args extends readonly unknown[], T>(
  make: (...args: Args) => Promise<T>,
): (...args: Args) => Promise<T> {
  const made = new Map<string, Promise<T>>();
  return (...args) => {
    const key = JSON.stringify(args);
    const found = made.get(key) ?? make(...args);
    made.set(key, found);
    return found;
  };
}

/** The archive of the base images. */
export const baseArchive = once(async (form: (typeof archiveForms)[number], revision: 1 | 2 = 1) =>
  makeArchive(await buildBaseImages(revision), form),
);

/** `bytes` as this command compresses them. */
export const compress = once(async (command: string, form: (typeof archiveForms)[number]) =>
  execFileSync('sh', ['-c', command], { input: await baseArchive(form), maxBuffer: 64 * 1024 * 1024 }),
);
