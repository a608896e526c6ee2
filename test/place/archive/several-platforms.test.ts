/** Archives with images for several platforms, of which manifest.json has those for the host of whoever wrote it. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { packTar } from '../../../sample/pack-tar.mjs';
import { inspectArchive } from '../../../src/inspect/inspect-archive.ts';
import { openSource } from '../../../src/place/open-source.ts';
import type { ArchiveMember } from '../../fixtures/archive-members.ts';
import { BlobSet, type Descriptor, mediaTypes } from '../../fixtures/oci-blobs.ts';
import { packMembers } from '../../fixtures/pack-members.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { asInput } from '../offer-images.ts';
import { expectCode, read } from './read-hostile.ts';

const run = promisify(execFile);
const hostArchitecture = process.arch === 'x64' ? 'amd64' : process.arch;
const other = hostArchitecture === 'arm64' ? 'amd64' : 'arm64';
const layer = await packMembers([{ name: 'app/x', content: 'x' }]);

type Json = Record<string, unknown>;

/** What a writer puts into an archive: images by `name architecture`, whose manifests the index has, or only names. */
interface Layout {
  /** Indexes of images by their names. */
  readonly index: Readonly<Record<string, readonly string[]>>;
  /** Architectures of which the blobs are left out. */
  readonly absent?: readonly string[];
  /** Names and the architecture of the image that manifest.json has under them. */
  readonly manifest: readonly (readonly [names: readonly string[], architecture: string])[];
}

function membersOf({ index, manifest, absent = [] }: Layout): ArchiveMember[] {
  const blobs = new BlobSet();
  const others = new BlobSet();
  const layerBlob = blobs.add(mediaTypes.none, layer);
  const addConfig = (name: string, architecture: string): Descriptor =>
    (absent.includes(architecture) ? others : blobs).addJson(mediaTypes.config, {
      ...{ os: 'linux', architecture, rootfs: { type: 'layers', diff_ids: [layerBlob.digest] } },
      config: { Labels: { image: name.replace(/:.*/, '') } },
    });
  const descriptors = Object.entries(index).map(([name, architectures]): Json => {
    const manifests = architectures.map((architecture) => ({
      ...(absent.includes(architecture) ? others : blobs).addJson(mediaTypes.manifest, {
        ...{ schemaVersion: 2, mediaType: mediaTypes.manifest },
        ...{ config: addConfig(name, architecture), layers: [layerBlob] },
      }),
      platform: { os: 'linux', architecture },
    }));
    const whole = blobs.addJson(mediaTypes.index, {
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests,
    });
    return name === ''
      ? { ...whole }
      : { ...whole, annotations: { 'io.containerd.image.name': `docker.io/shop/${name}` } };
  });
  const entries = manifest.map(([names, architecture]) => ({
    Config: `blobs/sha256/${addConfig(names[0] ?? '', architecture).digest.slice(7)}`,
    RepoTags: names.map((name) => `shop/${name}`),
    Layers: [`blobs/sha256/${layerBlob.digest.slice(7)}`],
  }));
  const document = (name: string, value: unknown): ArchiveMember => ({
    name,
    content: Buffer.from(JSON.stringify(value)),
  });
  return [
    ...blobs.members(),
    document('index.json', { schemaVersion: 2, manifests: descriptors }),
    document('manifest.json', entries.length === 0 ? null : entries),
    document('oci-layout', { imageLayoutVersion: '1.0.0' }),
  ];
}

/** The names and architectures that are taken of the same members as a file, as standard input and as an OCI layout. */
async function takeAll(
  layout: Layout,
  names: readonly string[],
  platform?: string,
): Promise<Record<string, string[]>> {
  const members = membersOf(layout);
  const folder = await makeTempFolder();
  const path = join(folder, 'a.tar');
  await writeFile(path, packTar(members));
  for (const { name, content } of members.filter((member) => member.name !== 'manifest.json')) {
    await mkdir(dirname(join(folder, 'oci', name)), { recursive: true });
    await writeFile(join(folder, 'oci', name), content ?? '');
  }
  const options = platform === undefined ? {} : { platform };
  const input = asInput(Readable.from(packTar(members)));
  const sources = {
    file: await openSource(path, options),
    stdin: await openSource('-', { ...options, input }),
    oci: await openSource(`oci:${join(folder, 'oci')}`, options),
  };
  const taken: Record<string, string[]> = {};
  for (const [place, source] of Object.entries(sources)) {
    const images = await read(source, names);
    taken[place] = images.flatMap(({ config, tags }) => {
      const { architecture } = JSON.parse(Buffer.from(config).toString()) as { architecture: string };
      return (tags.length === 0 ? [''] : tags).map(
        (tag) => `${tag.replace('docker.io/shop/', '')} ${architecture}`,
      );
    });
  }
  return taken;
}

const both: Layout = {
  index: { 'web:1': [hostArchitecture, other], 'db:1': [other, hostArchitecture] },
  manifest: [
    [['web:1'], hostArchitecture],
    [['db:1'], hostArchitecture],
  ],
};
const everywhere = (...taken: string[]): Record<string, string[]> => ({
  file: taken,
  stdin: taken,
  oci: taken,
});

describe('an archive with images for several platforms', () => {
  it('gives the one for the host, or for the platform that is wished for', async () => {
    expect(await takeAll(both, [])).toEqual(
      everywhere(`web:1 ${hostArchitecture}`, `db:1 ${hostArchitecture}`),
    );
    expect(await takeAll(both, [], `linux/${other}`)).toEqual(everywhere(`web:1 ${other}`, `db:1 ${other}`));
    expect(await takeAll(both, ['shop/db:1'], `linux/${other}`)).toEqual(everywhere(`db:1 ${other}`));
    expect(await takeAll(both, ['shop/w*'], `linux/${other}`)).toEqual(everywhere(`web:1 ${other}`));
    await expect(takeAll(both, ['shop/web:1'], 'linux/mips')).rejects.toMatchObject({
      code: 'image-not-found',
    });
  });

  it('gives the one for the host, where another host wrote it', async () => {
    const written: Layout = { ...both, manifest: [[['web:1'], other]] };
    expect(await takeAll(written, ['shop/web:1'])).toEqual(everywhere(`web:1 ${hostArchitecture}`));
    const only: Layout = { index: { 'web:1': [other] }, manifest: [[['web:1'], other]] };
    expect(await takeAll(only, [])).toEqual(everywhere(`web:1 ${other}`));
  });

  it('gives what the index has for no platform of the host', async () => {
    for (const manifest of [[], [[['web:1'], hostArchitecture]] as const]) {
      const layout: Layout = { index: { 'web:1': [hostArchitecture, other], 'edge:1': [other] }, manifest };
      expect(await takeAll(layout, ['shop/edge:1'])).toEqual(everywhere(`edge:1 ${other}`));
      expect((await takeAll(layout, []))['file']?.sort()).toEqual([
        `edge:1 ${other}`,
        `web:1 ${hostArchitecture}`,
      ]);
    }
  });

  it('does without the blobs of other platforms, and says so where they are wished for', async () => {
    const hollow: Layout = { ...both, absent: [other] };
    expect(await takeAll(hollow, ['shop/web:1'])).toEqual(everywhere(`web:1 ${hostArchitecture}`));
    await expect(takeAll(hollow, ['shop/web:1'], `linux/${other}`)).rejects.toMatchObject({
      code: 'archive-corrupt',
      message: expect.stringContaining('web:1') as string,
    });
  });

  it('gives each name its own image for another platform', async () => {
    const moved: Layout = {
      index: { 'web:1': [hostArchitecture, other], 'web:latest': [hostArchitecture] },
      manifest: [[['web:1', 'web:latest'], hostArchitecture]],
    };
    expect((await takeAll(moved, []))['file']?.sort()).toEqual([
      `web:1 ${hostArchitecture}`,
      `web:latest ${hostArchitecture}`,
    ]);
    expect((await takeAll(moved, ['shop/web:1'], `linux/${other}`))['file']).toEqual([`web:1 ${other}`]);
    const path = join(await makeTempFolder(), 'a.tar');
    await writeFile(path, packTar(membersOf(moved)));
    const source = await openSource(path, { platform: `linux/${other}` });
    await expectCode(read(source, ['shop/web:latest']), 'image-not-found');
  });

  it('gives an image without a name for another platform', async () => {
    const untagged: Layout = { index: { '': [hostArchitecture, other] }, manifest: [[[], hostArchitecture]] };
    expect(await takeAll(untagged, [])).toEqual(everywhere(` ${hostArchitecture}`));
    expect(await takeAll(untagged, [], `linux/${other}`)).toEqual(everywhere(` ${other}`));
  });

  it('finds another platform where manifest.json has one name twice', async () => {
    for (const architectures of [
      [hostArchitecture, other],
      [other, hostArchitecture],
    ]) {
      const twice: Layout = { index: {}, manifest: architectures.map((one) => [['web:1'], one] as const) };
      const path = join(await makeTempFolder(), 'a.tar');
      await writeFile(path, packTar(membersOf(twice)));
      for (const [platform, wanted] of [
        [undefined, hostArchitecture],
        [`linux/${other}`, other],
      ] as const) {
        const source = await openSource(path, platform === undefined ? {} : { platform });
        const [image] = await read(source, ['shop/web:1']);
        expect(JSON.parse(Buffer.from(image?.config ?? '').toString())).toMatchObject({
          architecture: wanted,
        });
      }
    }
  });
});

describe('what ctr exports', () => {
  it.each([['--all-platforms'], ['--platform', `linux/${other}`]])(
    'is taken with %s %s',
    async (...options) => {
      const folder = await makeTempFolder();
      const address = await startContainerd(folder);
      const path = join(folder, 'in.tar');
      await writeFile(path, packTar(membersOf(both)));
      const ctr = (...words: string[]): Promise<unknown> => run('ctr', ['-a', address, ...words]);
      await ctr('images', 'import', '--all-platforms', '--no-unpack', path);
      const out = join(folder, 'out.tar');
      await ctr('images', 'export', ...options, out, 'docker.io/shop/web:1', 'docker.io/shop/db:1');
      const source = await openSource(out, { platform: `linux/${other}` });
      const images = await read(source, ['shop/web:1', 'shop/db:1']);
      expect(images.map(({ config }) => JSON.parse(Buffer.from(config).toString()) as Json)).toMatchObject([
        { architecture: other },
        { architecture: other },
      ]);
      const report = await inspectArchive(out);
      expect(report.images.flatMap(({ names }) => names).sort()).toEqual(['shop/db:1', 'shop/web:1']);
    },
  );
});

/** Starts a containerd that goes with the test, and returns its address. */
async function startContainerd(folder: string): Promise<string> {
  const address = join(folder, 's');
  const settings = `version = 2\nroot = "${folder}/r"\nstate = "${folder}/t"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "${address}"\n`;
  await writeFile(join(folder, 'c.toml'), settings);
  const child = execFile('setpriv', ['--pdeathsig', 'TERM', 'containerd', '-c', join(folder, 'c.toml')]);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill();
    await ended;
  });
  for (let tries = 0; tries < 200 && !(await readdir(folder)).includes('s'); tries += 1) await sleep(50);
  return address;
}
