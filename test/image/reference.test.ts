import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/ground/digest.ts';
import { findTaggedName, normaliseTag, parseReference } from '../../src/image/reference.ts';

describe('normaliseTag', () => {
  it.each([
    ['app', 'docker.io/library/app:latest'],
    ['app:2', 'docker.io/library/app:2'],
    ['shop/web:1', 'docker.io/shop/web:1'],
    ['docker.io/app:2', 'docker.io/library/app:2'],
    ['index.docker.io/library/app:2', 'docker.io/library/app:2'],
    ['localhost/app:2', 'localhost/app:2'],
    ['host:5000/a/b', 'host:5000/a/b:latest'],
    ['host:5000/a/b:2', 'host:5000/a/b:2'],
    ['deadbeefcafe', 'docker.io/library/deadbeefcafe:latest'],
  ])('makes %s %s', (text, name) => {
    expect(normaliseTag(text)).toBe(name);
  });

  it('takes a name of 255 characters, its host among them, and no longer one: docker refuses that with all images', () => {
    const longest = `reg.example/${'n'.repeat(255 - 'reg.example/'.length)}`;
    expect(normaliseTag(`${longest}:1`)).toBe(`${longest}:1`);
    expect(() => normaliseTag(`${longest}n:1`)).toThrow(/at most 255/);
    expect(() => normaliseTag('n'.repeat(255 - 'docker.io/library/'.length + 1))).toThrow(/at most 255/);
  });

  it.each(['App:2', 'app:', 'app:a b', '-app:1', 'a//b:1', ''])('refuses "%s"', (text) => {
    expect(() => normaliseTag(text)).toThrow(expect.objectContaining({ code: 'invalid-reference' }));
  });
});

describe('findTaggedName', () => {
  it.each([
    ['app:2', 'docker.io/library/app:2'],
    ['shop/web', 'docker.io/shop/web:latest'],
    [`app:2@${digestOf(Buffer.from(''))}`, 'docker.io/library/app:2'],
    [`app@${digestOf(Buffer.from(''))}`, undefined],
    [`shop/app@${digestOf(Buffer.from(''))}`, undefined],
    ['latest', undefined],
    ['2.1', undefined],
    ['Not A/Name', undefined],
  ])('finds in %s %s', (text, name) => {
    expect(findTaggedName(text)).toBe(name);
  });
});

describe('parseReference', () => {
  it('takes 12 or 64 hex digits, and any number behind sha256:, for an id', () => {
    const id = 'abcdef012345';
    for (const text of [id, `sha256:${id}ab`, 'ab'.repeat(32)]) expect(parseReference(text).kind).toBe('id');
    expect(parseReference('abcdef01234').kind).toBe('name');
    expect(parseReference(`${id}:1`).kind).toBe('name');
  });
});
