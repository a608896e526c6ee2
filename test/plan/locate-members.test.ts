import { describe, expect, it } from 'vitest';
import { locateMembers, planSegments } from '../../src/plan/plan-segments.ts';
import { planBundle } from '../../src/plan/plan-bundle.ts';
import { planOciIndex } from '../../src/plan/plan-oci-index.ts';
import { digestOf } from '../../src/ground/digest.ts';
import type { Image } from '../../src/image/image.ts';
import { expectedImage } from '../fixtures/expected-image.ts';
import { buildOddImages, buildSampleImages } from '../fixtures/sample-images.ts';

const gib = 2 ** 30;

describe('locateMembers', () => {
  it('finds each member where planSegments puts its bytes, also behind one that needs a PAX header', async () => {
    const images = [...(await buildSampleImages()), ...(await buildOddImages())].map(expectedImage);
    const sizes = [0, 1, 512, 9 * gib, 1000];
    const layers = [...new Set(images.flatMap((image) => image.layers))];
    const sizeOf = (diffId: (typeof layers)[number]): number => sizes[layers.indexOf(diffId) % 5] ?? 0;
    const members = planBundle(images, sizeOf);
    const places = locateMembers(members);
    let position = 0;
    const glue: { start: number; bytes: Buffer }[] = [];
    const layerStarts = new Map<string, number>();
    for (const segment of planSegments(members)) {
      if (segment.kind === 'layer') {
        layerStarts.set(segment.diffId, position);
        position += segment.size;
      } else {
        glue.push({ start: position, bytes: Buffer.from(segment.bytes) });
        position += segment.bytes.length;
      }
    }
    expect(places.some(({ start }) => start > 9 * gib)).toBe(true);
    for (const { member, start } of places) {
      if (member.kind === 'layer') {
        if (member.size > 0) expect(start).toBe(layerStarts.get(member.diffId));
        continue;
      }
      const around = glue.findLast((one) => one.start <= start);
      const inside = start - (around?.start ?? 0);
      expect(around?.bytes.subarray(inside, inside + member.size)).toEqual(Buffer.from(member.bytes));
    }
  });
});

describe('planOciIndex', () => {
  const config = Buffer.from('{"os":"linux","architecture":"arm64","rootfs":{"diff_ids":[]}}');
  const image = (...tags: string[]): Image => ({
    configDigest: digestOf(Buffer.from(tags.join())),
    config,
    layers: [],
    tags,
  });
  const listNames = (...images: Image[]): (string | undefined)[] => {
    const index = planOciIndex(images, ({ configDigest }) => ({ digest: configDigest, size: 7 }));
    const { manifests } = JSON.parse(Buffer.from(index).toString()) as {
      manifests: { annotations?: Record<string, string>; platform: object }[];
    };
    expect(manifests[0]?.platform).toEqual({ os: 'linux', architecture: 'arm64' });
    return manifests.map(({ annotations }) => annotations?.['org.opencontainers.image.ref.name']);
  };

  it('has each image under the name that docker shows, the whole one, and its tag where that is its own', () => {
    expect(
      listNames(image('docker.io/shop/web:1', 'docker.io/shop/web:2'), image('host:5000/api:1')),
    ).toEqual([
      'shop/web:1',
      'docker.io/shop/web:1',
      'shop/web:2',
      'docker.io/shop/web:2',
      '2',
      'host:5000/api:1',
    ]);
    expect(listNames(image('docker.io/library/web:1'))).toEqual(['web:1', 'docker.io/library/web:1', '1']);
    expect(listNames(image())).toEqual([undefined]);
  });
});
