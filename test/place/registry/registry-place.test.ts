import { describe, expect, it } from 'vitest';
import { parseRegistryPlace } from '../../../src/place/registry/registry-place.ts';

describe('parseRegistryPlace', () => {
  it.each([
    ['docker://registry.example:5000', 'registry.example:5000', ''],
    ['docker://localhost', 'localhost', ''],
    ['docker://127.0.0.1:5000', '127.0.0.1:5000', ''],
    ['docker://[::1]:5000', '[::1]:5000', ''],
    ['docker://myhost:5000/', 'myhost:5000', ''],
    ['docker://registry.example/team/a/', 'registry.example', 'team/a/'],
    ['docker://docker.io', 'docker.io', ''],
  ])('takes %s for a registry', (text, host, prefix) => {
    expect(parseRegistryPlace(text)).toEqual({ kind: 'registry', host, prefix });
  });

  it.each([
    ['docker://registry.example:5000/shop/web:1', 'registry.example:5000/shop/web', '1'],
    ['docker://registry.example/shop/web', 'registry.example/shop/web', 'latest'],
    ['docker://redis:7', 'docker.io/library/redis', '7'],
    ['docker://shop/web:1', 'docker.io/shop/web', '1'],
  ])('takes %s for an image', (text, repository, tag) => {
    expect(parseRegistryPlace(text)).toMatchObject({ kind: 'image', reference: { repository, tag } });
  });

  it.each(['docker://', 'docker:///a', 'docker://a/*', 'docker://a//', 'docker://registry.example/UPPER/'])(
    'refuses %s',
    (text) => {
      expect(() => parseRegistryPlace(text)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^invalid-/) as string }) as Error,
      );
    },
  );

  it('refuses a password, and does not show it', () => {
    expect(() => parseRegistryPlace('docker://user:s3cret@registry.example/a')).toThrow(
      /there is a user in it/,
    );
    expect(() => parseRegistryPlace('docker://user:s3cret@registry.example/a')).not.toThrow(/s3cret/);
  });
});
