import { describe, expect, it } from 'vitest';
import { type DiffId, digestOf } from '../../src/ground/digest.ts';
import { createImage, type Image } from '../../src/image/image.ts';
import { planBundle } from '../../src/plan/plan-bundle.ts';
import { planSegments } from '../../src/plan/plan-segments.ts';
import { StreamByteReader } from '../../src/format/tar/byte-reader.ts';
import { walkTar } from '../../src/format/tar/walk-tar.ts';

const layers = ['base', 'top'].map((name) => Buffer.from(name.repeat(300)));
const diffIds = layers.map((bytes) => digestOf(bytes) as DiffId);
const contentOf = new Map(diffIds.map((diffId, index) => [diffId, layers[index] ?? Buffer.alloc(0)]));
const layerSize = (diffId: DiffId): number => contentOf.get(diffId)?.length ?? 0;

function image(tags: readonly string[], chain: readonly DiffId[], created: string): Image {
  const config = { architecture: 'amd64', os: 'linux', created, rootfs: { type: 'layers', diff_ids: chain } };
  return createImage(Buffer.from(JSON.stringify(config)), tags);
}

const images = [
  image(['docker.io/library/b:1', 'docker.io/library/b:2'], diffIds, '2024-06-01T00:00:00Z'),
  image(['docker.io/library/a:1'], diffIds.slice(0, 1), '2024-06-01T00:00:00Z'),
  image([], [], '2024-06-02T00:00:00Z'),
];

async function readMembers(all: readonly Image[]): Promise<Map<string, Buffer>> {
  const segments = planSegments(planBundle(all, layerSize));
  const bytes = segments.map((segment) =>
    segment.kind === 'glue' ? segment.bytes : (contentOf.get(segment.diffId) ?? Buffer.alloc(0)),
  );
  const members = new Map<string, Buffer>();
  async function* source(): AsyncGenerator<Uint8Array> {
    yield* await Promise.resolve(bytes);
  }
  for await (const entry of walkTar(new StreamByteReader(source(), 'the bundle'))) {
    expect(entry.kind).toBe('file');
    members.set(entry.name, Buffer.from(await entry.read()));
  }
  return members;
}

describe('planBundle', () => {
  it('names every blob by the digest of its bytes and has each once', async () => {
    const members = await readMembers(images);
    const blobs = [...members].filter(([name]) => name.startsWith('blobs/sha256/'));
    expect(blobs).toHaveLength(2 + 3 + 3);
    for (const [name, bytes] of blobs) expect(digestOf(bytes)).toBe(name.replace('blobs/sha256/', 'sha256:'));
  });

  it('puts layers first, from the lowest up, and metadata last', async () => {
    const names = [...(await readMembers(images)).keys()];
    expect(names.slice(0, 2)).toEqual(diffIds.map((diffId) => diffId.replace('sha256:', 'blobs/sha256/')));
    expect(names.slice(-3)).toEqual(['index.json', 'manifest.json', 'oci-layout']);
  });

  it('writes a docker manifest with fully qualified tags, null for an untagged image', async () => {
    const members = await readMembers(images);
    const manifest = JSON.parse(members.get('manifest.json')?.toString() ?? '') as {
      RepoTags: unknown;
      Config: string;
    }[];
    expect(manifest.map((entry) => entry.RepoTags)).toEqual([
      ['docker.io/library/a:1'],
      ['docker.io/library/b:1', 'docker.io/library/b:2'],
      null,
    ]);
    for (const entry of manifest) expect(members.has(entry.Config)).toBe(true);
  });

  it('writes an index with one entry a tag, each naming a manifest that is there', async () => {
    const members = await readMembers(images);
    const index = JSON.parse(members.get('index.json')?.toString() ?? '') as {
      manifests: { digest: string; size: number; annotations?: Record<string, string> }[];
    };
    expect(index.manifests.map((entry) => entry.annotations)).toEqual([
      { 'io.containerd.image.name': 'docker.io/library/a:1', 'org.opencontainers.image.ref.name': '1' },
      { 'io.containerd.image.name': 'docker.io/library/b:1', 'org.opencontainers.image.ref.name': '1' },
      { 'io.containerd.image.name': 'docker.io/library/b:2', 'org.opencontainers.image.ref.name': '2' },
      undefined,
    ]);
    for (const { digest, size } of index.manifests) {
      expect(members.get(digest.replace('sha256:', 'blobs/sha256/'))?.length).toBe(size);
    }
  });

  it('does not depend on the order in which images are given', () => {
    expect(planBundle([...images].reverse(), layerSize)).toEqual(planBundle(images, layerSize));
  });
});

describe('planSegments', () => {
  it('starts and ends with glue and has every layer as a segment of its own', () => {
    const segments = planSegments(planBundle(images, layerSize));
    expect(segments.map((segment) => segment.kind)).toEqual(['glue', 'layer', 'glue', 'layer', 'glue']);
  });
});
