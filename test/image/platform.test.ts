import { describe, expect, it } from 'vitest';
import { formatPlatform, matchesPlatform, parsePlatform, platformOfArch } from '../../src/image/platform.ts';

describe('parsePlatform', () => {
  it('reads what formatPlatform writes', () => {
    for (const text of ['linux/amd64', 'linux/arm/v7', 'windows/amd64']) {
      expect(formatPlatform(parsePlatform(text))).toBe(text);
    }
  });

  it.each(['linux', 'linux/', '/amd64', 'linux/arm/v7/x', 'Linux/amd64', 'linux/arm/', ''])(
    'throws invalid-argument for "%s"',
    (text) => {
      expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    },
  );
});

describe('matchesPlatform', () => {
  it('compares variants where both sides name one', () => {
    const v7 = parsePlatform('linux/arm/v7');
    expect(matchesPlatform(v7, parsePlatform('linux/arm'))).toBe(true);
    expect(matchesPlatform(parsePlatform('linux/arm'), v7)).toBe(true);
    expect(matchesPlatform(v7, parsePlatform('linux/arm/v6'))).toBe(false);
    expect(matchesPlatform(v7, parsePlatform('windows/arm/v7'))).toBe(false);
  });
});

describe('platformOfArch', () => {
  it("gives Go's names for Node's", () => {
    expect(['x64', 'arm64', 's390x', 'ia32'].map((arch) => formatPlatform(platformOfArch(arch)))).toEqual([
      'linux/amd64',
      'linux/arm64',
      'linux/s390x',
      'linux/386',
    ]);
  });
});
