import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/ground/digest.ts';
import { createImage } from '../../../src/image/image.ts';
import { parseDockerManifest } from '../../../src/image/docker-manifest.ts';
import { parseImageConfig } from '../../../src/image/image-config.ts';
import { parseOciDocument, parseOciIndex } from '../../../src/image/oci-manifest.ts';

const digest = digestOf(Buffer.from('a'));
const other = digestOf(Buffer.from('b'));

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

describe('parseImageConfig', () => {
  it('reads what bundlefs relies on and passes over the rest', () => {
    const bytes = json({
      architecture: 'arm64',
      os: 'linux',
      variant: 'v8',
      created: '2024-06-01T00:00:00Z',
      config: { Env: null },
      history: [{ created_by: 'RUN x', empty_layer: true, extra: 1 }],
      rootfs: { type: 'layers', diff_ids: [digest, other, digest] },
    });
    expect(parseImageConfig(bytes, 'it')).toMatchObject({
      diffIds: [digest, other, digest],
      platform: { architecture: 'arm64', os: 'linux', variant: 'v8' },
    });
  });

  it('takes an image without layers in all of its forms', () => {
    for (const rootfs of [{ type: 'layers' }, { diff_ids: null }, { diff_ids: [] }]) {
      expect(parseImageConfig(json({ os: 'linux', architecture: 'amd64', rootfs }), 'it').diffIds).toEqual(
        [],
      );
    }
  });

  it.each([
    ['no JSON', Buffer.from('{"rootfs"')],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['no object', json([])],
    ['diffIds that are no digests', json({ rootfs: { diff_ids: ['sha256:12'] } })],
    ['diffIds that are no strings', json({ rootfs: { diff_ids: [1] } })],
  ])('throws config-corrupt for %s, naming the member', (_, bytes) => {
    expect(() => parseImageConfig(bytes, '"config.json" in archive "a"')).toThrow(
      expect.objectContaining({
        code: 'config-corrupt',
        message: expect.stringContaining('"config.json" in archive "a"') as string,
      }),
    );
  });

  it('throws image-unsupported where there is no rootfs: that is the config of something else', () => {
    for (const config of [{ os: 'linux' }, {}, null, { rootfs: null }]) {
      expect(() => parseImageConfig(json(config), 'it')).toThrow(
        expect.objectContaining({ code: 'image-unsupported' }),
      );
    }
  });
});

describe('createImage', () => {
  it('gives names in full, sorted, each once, and the digest of the exact bytes', () => {
    const config = json({ rootfs: { diff_ids: [digest] } });
    expect(createImage(config, ['b:2', 'a', 'docker.io/library/b:2'])).toEqual({
      config,
      configDigest: digestOf(config),
      layers: [digest],
      tags: ['docker.io/library/a:latest', 'docker.io/library/b:2'],
    });
  });

  it('throws invalid-reference for a name that is none', () => {
    expect(() => createImage(json({ rootfs: {} }), ['A:1'])).toThrow(
      expect.objectContaining({ code: 'invalid-reference' }),
    );
  });
});

describe('parseDockerManifest', () => {
  it('reads entries without tags and without layers', () => {
    const entries = [
      { Config: 'a.json', RepoTags: null, Layers: null },
      { Config: 'b.json', RepoTags: ['b:1'], Layers: ['b/layer.tar'], LayerSources: {} },
    ];
    expect(parseDockerManifest(json(entries), 'it')).toEqual([
      { config: 'a.json', tags: [], layers: [] },
      { config: 'b.json', tags: ['b:1'], layers: ['b/layer.tar'] },
    ]);
  });
});

describe('documents of images are read as Go reads them', () => {
  const descriptor = { mediaType: 'x/y', digest, size: 3 };

  it.each([
    ['as they are written', (key: string) => key],
    ['in upper case', (key: string) => key.toUpperCase()],
    ['in lower case', (key: string) => key.toLowerCase()],
    ['with a long s', (key: string) => key.replaceAll('s', '\u017f')],
  ])('with keys %s', (_, write) => {
    const rename = (value: object): object =>
      Object.fromEntries(Object.entries(value).map(([key, entry]) => [write(key), entry as unknown]));
    const entry = { Config: 'c', RepoTags: ['a:1'], Layers: ['l'] };
    expect(parseDockerManifest(json([rename(entry)]), 'it')).toEqual([
      { config: 'c', tags: ['a:1'], layers: ['l'] },
    ]);
    const platform = { architecture: 'arm', os: 'linux', variant: 'v7' };
    const indexed = rename({ ...descriptor, platform: rename(platform) });
    const index = json(rename({ manifests: [indexed] }));
    expect(parseOciIndex(index, 'it')).toMatchObject([{ digest, size: 3, platform }]);
    const manifest = json(rename({ config: rename(descriptor), layers: [rename(descriptor)] }));
    expect(parseOciDocument(manifest, 'it')).toMatchObject({
      kind: 'manifest',
      config: { digest },
      layers: [{ digest }],
    });
  });

  it.each([{}, { os: 'linux' }, { architecture: 'amd64' }, { os: '', architecture: '' }, { os: null }])(
    'with a platform that does not say all, as if there was none: %j',
    (platform) => {
      const index = json({ manifests: [{ ...descriptor, platform, annotations: null, urls: null }] });
      expect(parseOciIndex(index, 'it')).toMatchObject([{ digest, platform: undefined, annotations: {} }]);
    },
  );

  it('with a variant that is null', () => {
    const platform = { os: 'linux', architecture: 'amd64' };
    const index = json({ manifests: [{ ...descriptor, platform: { ...platform, variant: null } }] });
    expect(parseOciIndex(index, 'it')).toMatchObject([{ platform }]);
  });
});

describe('parseOciDocument', () => {
  it('tells manifests and indexes apart without media types', () => {
    const manifest = { schemaVersion: 2, config: { digest }, layers: [{ digest: other, size: 4 }] };
    expect(parseOciDocument(json(manifest), 'it')).toMatchObject({
      kind: 'manifest',
      config: { digest },
      layers: [{ digest: other }],
    });
    expect(parseOciDocument(json({ manifests: [] }), 'it')).toEqual({ kind: 'index', manifests: [] });
  });

  it('throws archive-corrupt for what is neither', () => {
    expect(() => parseOciDocument(json({ schemaVersion: 2 }), 'it')).toThrow(
      expect.objectContaining({ code: 'archive-corrupt' }),
    );
    expect(() => parseOciDocument(json({ manifests: 1 }), 'it')).toThrow(
      expect.objectContaining({ code: 'archive-corrupt' }),
    );
  });
});

describe('parseOciIndex', () => {
  it('reads annotations and platforms', () => {
    const annotations = { 'org.opencontainers.image.ref.name': 'app:1' };
    const platform = { os: 'linux', architecture: 'arm', variant: 'v7', 'os.version': '1' };
    const [first, second] = parseOciIndex(
      json({ manifests: [{ digest, annotations, platform }, { digest: other }] }),
      'it',
    );
    expect(first).toMatchObject({
      digest,
      annotations,
      platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
    });
    expect(second).toMatchObject({ digest: other, annotations: {}, platform: undefined });
  });

  it('keeps what is wrong with one descriptor from the others', () => {
    const annotations = { 'org.opencontainers.image.ref.name': 'app:1' };
    const faults: [object | null | string, string][] = [
      [{ digest: `sha512:${'a'.repeat(128)}`, annotations }, 'archive-unsupported'],
      [{ digest: 'md5:1', annotations }, 'archive-unsupported'],
      [{ digest: 'sha256:short', annotations }, 'archive-corrupt'],
      [{ digest: 7, annotations }, 'archive-corrupt'],
      [{ annotations }, 'archive-corrupt'],
      [{ digest, size: '7', annotations }, 'archive-corrupt'],
      [{ digest, mediaType: 7, annotations }, 'archive-corrupt'],
      [{ digest, platform: 'linux', annotations }, 'archive-corrupt'],
      [{ digest, annotations: { ...annotations, count: 7 } }, 'archive-corrupt'],
    ];
    for (const [value, code] of faults) {
      const [bad, good] = parseOciIndex(json({ manifests: [value, { digest: other }] }), 'it');
      expect(bad, JSON.stringify(value)).toMatchObject({ fault: { code }, annotations });
      expect(good).toMatchObject({ digest: other });
    }
    for (const value of [null, 'text', []]) {
      expect(parseOciIndex(json({ manifests: [value] }), 'it')).toMatchObject([{ annotations: {} }]);
    }
  });
});
