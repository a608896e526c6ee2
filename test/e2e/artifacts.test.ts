/** What is no image is passed over where a pattern or "all" finds it, and refused by its name, wherever it comes from. */
import { createReadStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openCache } from '../../src/cache/cache.ts';
import { prepareBundle } from '../../src/bundle/prepare-bundle.ts';
import type { BundleError } from '../../src/ground/errors.ts';
import { parseReference } from '../../src/image/reference.ts';
import { openSource } from '../../src/place/open-source.ts';
import { artifacts } from '../fixtures/artifacts.ts';
import { addImageBlobs, BlobSet, type Descriptor, mediaTypes } from '../fixtures/oci-blobs.ts';
import { packMembers } from '../fixtures/pack-members.ts';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { runCli } from '../support/run-cli.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { startRegistry, type ThrowawayRegistry } from '../support/throwaway-registry.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const profile = { preset: 0, extreme: false, check: 'crc64' } as const;
const imageName = 'reg.example/shop/web:1';
const nameOf = (artifact: string): string => `reg.example/shop/web:${artifact}`;

let registry: ThrowawayRegistry;
beforeAll(async () => {
  registry = await startRegistry();
  await fillRegistry(registry.host);
});
afterAll(() => registry[Symbol.asyncDispose]());

async function makeBlobs(): Promise<{ blobs: BlobSet; entries: readonly (Descriptor & { name: string })[] }> {
  const blobs = new BlobSet();
  const [image] = await buildSampleImages();
  if (image === undefined) throw new TypeError('There is a sample image');
  const { manifest } = addImageBlobs(blobs, image, 'gzip');
  const others = artifacts.map((artifact) => ({ ...artifact.add(blobs), name: artifact.name }));
  // In the middle, so that what is passed over lies before and behind it.
  return { blobs, entries: [...others.slice(0, 9), { ...manifest, name: '1' }, ...others.slice(9)] };
}

/** The files of an OCI layout with the image and all artifacts, by their names, or without names as `cosign save` writes them. */
async function layoutFiles(hasNames: boolean): Promise<readonly { name: string; content: Uint8Array }[]> {
  const { blobs, entries } = await makeBlobs();
  const manifests = entries.map(({ name, ...descriptor }) => ({
    ...descriptor,
    annotations: hasNames
      ? { 'org.opencontainers.image.ref.name': nameOf(name) }
      : { kind: `dev.cosignproject.cosign/${name === '1' ? 'image' : 'sigs'}` },
  }));
  return [
    { name: 'oci-layout', content: Buffer.from('{"imageLayoutVersion":"1.0.0"}') },
    { name: 'index.json', content: Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })) },
    ...blobs.members().map(({ name, content }) => ({ name, content: content as Uint8Array })),
  ];
}

async function writeLayout(hasNames = true): Promise<{ readonly folder: string; readonly archive: string }> {
  const [folder, archive] = [join(await makeTempFolder(), 'layout'), join(await makeTempFolder(), 'l.tar')];
  const files = await layoutFiles(hasNames);
  for (const { name, content } of files) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  await writeFile(archive, await packMembers(files));
  return { folder, archive };
}

async function fillRegistry(host: string): Promise<void> {
  const { blobs, entries } = await makeBlobs();
  const base = `http://${host}/v2/shop/web`;
  const check = (answer: Response): void => {
    if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}`);
  };
  const manifests = new Map<string, Uint8Array>();
  for (const { name, content } of blobs.members()) {
    const digest = name.replace('blobs/sha256/', 'sha256:');
    manifests.set(digest, content as Uint8Array);
    const started = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
    const place = new URL(started.headers.get('location') ?? '', base);
    place.searchParams.set('digest', digest);
    check(await fetch(place, { method: 'PUT', body: Buffer.from(content as Uint8Array) }));
  }
  for (const { name, digest } of entries) {
    const body = Buffer.from(manifests.get(digest) ?? '');
    const headers = { 'Content-Type': mediaTypes.manifest };
    check(await fetch(`${base}/manifests/${name}`, { method: 'PUT', body, headers }));
  }
}

interface Built {
  readonly names: readonly (readonly string[])[];
  readonly leftOut: readonly string[];
  readonly error?: BundleError;
}

async function build(from: string, references: readonly string[], cachePath?: string): Promise<Built> {
  const leftOut: string[] = [];
  const source = await openSource(from);
  try {
    await using bundle = await prepareBundle({
      source,
      references: references.map(parseReference),
      cache: await openCache(cachePath ?? join(await makeTempFolder(), 'cache')),
      profile,
      onLeftOut: ({ message }) => leftOut.push(message),
    });
    return { names: bundle.images.map(({ tags }) => tags), leftOut };
  } catch (error) {
    return { names: [], leftOut, error: error as BundleError };
  } finally {
    await source.close();
  }
}

const places = {
  'a layout': async () => ({ from: `oci:${(await writeLayout()).folder}`, prefix: 'reg.example/' }),
  'an archive': async () => ({ from: (await writeLayout()).archive, prefix: 'reg.example/' }),
  'a registry': () => Promise.resolve({ from: `docker://${registry.host}/`, prefix: '' }),
} as const;
const disguisedNames = artifacts.filter(({ isDisguised }) => isDisguised).map(({ name }) => name);

describe.each(Object.entries(places))('in %s', (place, open) => {
  it('a pattern finds the image alone, and all that is there is it', async () => {
    const { from, prefix } = await open();
    const cache = join(await makeTempFolder(), 'cache');
    const expected = [[place === 'a registry' ? 'docker.io/shop/web:1' : imageName]];
    const wanted = place === 'a registry' ? [['shop/web:*'], ['shop/*']] : [[`${prefix}shop/*`], []];
    // The second time, what the first has kept of them must not count.
    for (const references of [...wanted, ...wanted]) {
      const { names, leftOut, error } = await build(from, references, cache);
      expect(error).toBe(undefined);
      expect(names).toEqual(expected);
      // Said of those only that were read before they could be told from images; a registry's manifest and config are read first.
      for (const message of leftOut) expect(disguisedNames.some((name) => message.includes(name))).toBe(true);
      expect(leftOut).toHaveLength(disguisedNames.length - (place === 'a registry' ? 1 : 0));
    }
  });

  it('each is refused by its name', async () => {
    const { from, prefix } = await open();
    const cache = join(await makeTempFolder(), 'cache');
    for (const { name } of artifacts) {
      const { error } = await build(from, [`${prefix}shop/web:1`, `${prefix}shop/web:${name}`], cache);
      expect([name, error?.code]).toEqual([name, 'image-unsupported']);
      expect(error?.message).toContain(`shop/web:${name}`);
    }
  });

  it('a pattern that finds nothing else is an error that says so', async () => {
    const { from, prefix } = await open();
    const { error } = await build(from, [`${prefix}shop/web:cosign-s*`]);
    expect(error?.code).toMatch(/^image-(?:unsupported|not-found)$/);
  });
});

it('layouts without names, as cosign save writes them, have one image', async () => {
  const { folder, archive } = await writeLayout(false);
  for (const from of [`oci:${folder}`, archive]) {
    const { names, error } = await build(from, []);
    expect(error).toBe(undefined);
    expect(names).toEqual([[]]);
  }
});

it('an archive that passes by once is the same, whatever lies in it', async () => {
  const { archive } = await writeLayout();
  const folder = await makeTempFolder();
  const args = ['build', '--preset', '0', '--from', '-', '-o', join(folder, 'o.tar.xz')];
  const { status, stdout, stderr } = await runCli(args, {
    cache: join(folder, 'cache'),
    input: createReadStream(archive),
  });
  expect([status, stderr]).toEqual([0, expect.stringContaining('signature-called-a-layer')]);
  expect(stdout.toString()).toContain('1 image');
});

it('--skip-unloadable goes on without what is named and is none, and says so; nothing left is an error', async () => {
  const { folder } = await writeLayout();
  const output = join(await makeTempFolder(), 'o.tar.xz');
  const cache = join(await makeTempFolder(), 'cache');
  const run = (...names: readonly string[]): ReturnType<typeof runCli> =>
    runCli(['build', '--preset', '0', '--from', `oci:${folder}`, ...names, '-o', output], { cache });
  const both = [nameOf('cosign-sig'), imageName];
  const refused = await run(...both);
  expect([refused.status, refused.stderr]).toEqual([5, expect.stringContaining('cosign-sig')]);
  const taken = await run(...both, '--skip-unloadable', '--tag-as', `${nameOf('cosign-sig')}=shop/sig:1`);
  expect([taken.status, taken.stderr]).toEqual([0, expect.stringContaining('cosign-sig')]);
  const none = await run(nameOf('cosign-sig'), nameOf('wasm-module'), '--skip-unloadable');
  expect([none.status, none.stderr]).toEqual([5, expect.stringContaining('cosign-sig')]);
});
