import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ImagePlatform } from '../../src/image/image-config.ts';
import {
  findForPlatform,
  formatPlatform,
  isSamePlatform,
  matchesPlatform,
  parsePlatform,
  platformOfArch,
} from '../../src/image/platform.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { findUnpacked } from '../support/unpacked-packages.ts';

const parse = (text: string): ImagePlatform => parsePlatform(text, 'x64');

/** `linux/arm/v6` as a manifest has it: words are not put into one form. */
function raw(text: string): ImagePlatform {
  const [os = '', architecture = '', variant] = text.split('/');
  return { os, architecture, ...(variant !== undefined && { variant }) };
}

/** Every word for a platform, with what containerd/platforms 1.0.0 makes of it: Format(Normalize(Parse(word))). */
const words: Readonly<Record<string, readonly string[]>> = {
  'linux/amd64': [
    ...['linux/amd64', 'amd64', 'x86_64', 'x86-64', 'linux/x86_64', 'linux/x86-64', 'Linux/AMD64'],
    ...['linux/amd64/v1', 'linux', 'LINUX', 'X86_64'],
  ],
  'linux/amd64/v2': ['linux/amd64/v2', 'linux/x86_64/V2'],
  'linux/arm64': [
    ...['linux/arm64', 'arm64', 'aarch64', 'linux/aarch64', 'linux/arm64/v8', 'linux/aarch64/v8'],
    ...['linux/arm64/8', 'linux/arm64/v8.0', 'ARM64', 'linux/AArch64/V8'],
  ],
  'linux/arm64/v9': ['linux/arm64/v9', 'linux/arm64/9', 'linux/arm64/9.0', 'linux/aarch64/v9.0'],
  'linux/arm64/v8.2': ['linux/arm64/v8.2'],
  'linux/arm/v7': [
    'linux/arm/v7',
    'linux/arm',
    'arm',
    'armhf',
    'linux/armhf',
    'linux/arm/7',
    'linux/armhf/v6',
  ],
  'linux/arm/v6': ['linux/arm/v6', 'armel', 'linux/armel', 'linux/arm/6', 'linux/armel/v5'],
  'linux/arm/v5': ['linux/arm/v5', 'linux/arm/5'],
  'linux/arm/v8': ['linux/arm/v8', 'linux/arm/8'],
  'linux/386': ['linux/386', '386', 'i386', 'linux/i386', 'linux/i386/v1'],
  'linux/ppc64le': ['linux/ppc64le', 'ppc64le'],
  'linux/s390x': ['linux/s390x', 's390x'],
  'linux/riscv64': ['linux/riscv64', 'riscv64'],
  'linux/loong64': ['loong64'],
  'windows/amd64': ['windows/amd64', 'windows', 'Windows/x86_64'],
  'darwin/arm64': ['darwin/arm64', 'macos/arm64', 'macOS/aarch64'],
  'linux/new/v1': ['linux/new/v1'],
};

describe('parsePlatform', () => {
  it('gives one form to all words of one platform', () => {
    for (const [form, texts] of Object.entries(words)) {
      for (const text of texts) expect([text, formatPlatform(parse(text))]).toEqual([text, form]);
    }
  });

  it('reads them as docker does', async () => {
    const texts = Object.values(words).flat();
    const asked = await askDocker(texts);
    for (const [index, text] of texts.entries()) {
      const ours = parsePlatform(text, process.arch);
      expect([text, asked[index], isSamePlatform(raw(asked[index] ?? ''), ours)]).toEqual([
        ...[text, asked[index], true],
      ]);
    }
  });

  it('leaves the architecture of a system alone to this machine', () => {
    expect(formatPlatform(parsePlatform('linux', 'arm64'))).toBe('linux/arm64');
    expect(formatPlatform(parsePlatform('windows', 'ia32'))).toBe('windows/386');
  });

  it('reads what it wrote, however the letters are', () => {
    const forms = fc.constantFrom(...Object.keys(words));
    fc.assert(
      fc.property(fc.mixedCase(forms), (text) => {
        const platform = parse(text);
        expect(parse(formatPlatform(platform))).toEqual(platform);
        expect(formatPlatform(platform)).toBe(text.toLowerCase());
      }),
    );
  });

  it.each([
    ...['linux/', '/amd64', 'linux/arm/v7/x', 'linux/arm/', '', '/', 'linux//v7', 'linux/a b', 'linux/*'],
    ...['x64', 'aarch', 'linux/arm 64', 'windows(10.0.17763)/amd64', ' linux/amd64', 'linux,amd64'],
  ])('throws invalid-argument for "%s"', (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  });
});

describe('isSamePlatform', () => {
  it('is true for words of one row, and false for those of two', () => {
    const rows = Object.entries(words).flatMap(([form, texts]) =>
      texts.filter((text) => text.includes('/')).map((text) => ({ form, text })),
    );
    const row = fc.constantFrom(...rows);
    fc.assert(
      fc.property(row, row, (a, b) => {
        expect(isSamePlatform(raw(a.text), raw(b.text))).toBe(a.form === b.form);
      }),
    );
  });
});

/** What runs where: the wanted, and all that match it, the best first (containerd/platforms, "Only", of one architecture). */
const runnable: readonly (readonly [wanted: string, images: readonly string[]])[] = [
  ['linux/amd64', ['linux/amd64']],
  ['linux/amd64/v3', ['linux/amd64/v3', 'linux/amd64/v2', 'linux/amd64']],
  ['linux/arm', ['linux/arm/v7', 'linux/arm/v6', 'linux/arm/v5']],
  ['linux/arm/v6', ['linux/arm/v6', 'linux/arm/v5']],
  ['linux/arm/v8', ['linux/arm/v8', 'linux/arm', 'linux/arm/v6', 'linux/arm/v5']],
  ['linux/arm64/v8', ['linux/arm64']],
  ['linux/arm64', ['linux/arm64/v8']],
  ['linux/arm64/v8.2', ['linux/arm64/v8.2', 'linux/arm64/v8.1', 'linux/arm64/v8']],
  [
    'linux/arm64/v9.1',
    [
      ...['linux/arm64/v9.1', 'linux/arm64/v9', 'linux/arm64/v8.6', 'linux/arm64/v8.5', 'linux/arm64/v8.4'],
      ...['linux/arm64/v8.3', 'linux/arm64/v8.2', 'linux/arm64/v8.1', 'linux/arm64'],
    ],
  ],
  ['linux/s390x', ['linux/s390x']],
  ['windows/amd64', ['windows/x86_64']],
];
const all = [
  ...new Set([...runnable.flatMap(([, images]) => images), 'linux/386', 'windows/arm64', 'linux/amd64/v4']),
];

describe('matchesPlatform and findForPlatform', () => {
  it.each(runnable)('take for %s what runs there, and the best of it', (wanted, images) => {
    const wish = parse(wanted);
    const matching = all.filter((text) => matchesPlatform(raw(text), wish));
    const isSame = (a: string, b: string): boolean => isSamePlatform(raw(a), raw(b));
    expect(matching.filter((text) => !images.some((image) => isSame(image, text)))).toEqual([]);
    expect(images.filter((text) => !matching.some((image) => isSame(image, text)))).toEqual([]);
    const pick = (candidates: readonly string[]): string | undefined =>
      findForPlatform(candidates, raw, wish);
    fc.assert(
      fc.property(fc.shuffledSubarray(all), (candidates) => {
        const best = images.find((image) => candidates.some((text) => isSame(text, image)));
        const expected = best === undefined ? undefined : candidates.find((text) => isSame(text, best));
        expect(pick(candidates)).toBe(expected);
      }),
    );
  });

  it('pass over images that do not say what they are for', () => {
    expect(findForPlatform([1, 2], (n) => (n === 1 ? undefined : raw('linux/amd64')), parse('amd64'))).toBe(
      2,
    );
    expect(matchesPlatform({ os: '', architecture: '' }, parse('amd64'))).toBe(false);
  });
});

describe('platformOfArch', () => {
  it("gives Go's names for Node's", () => {
    const given = ['x64', 'arm64', 's390x', 'ia32', 'arm', 'ppc64', 'mipsel', 'riscv64', 'loong64'];
    expect(given.map((arch) => formatPlatform(platformOfArch(arch)))).toEqual(
      ['amd64', 'arm64', 's390x', '386', 'arm/v7', 'ppc64le', 'mipsle', 'riscv64', 'loong64'].map(
        (name) => `linux/${name}`,
      ),
    );
  });
});

/** What the client of docker 28.5 makes of each word: the platform that it asks an engine for. */
async function askDocker(texts: readonly string[]): Promise<string[]> {
  const docker = await findUnpacked('sid', 'usr/bin/docker');
  const socket = join(await makeTempFolder(), 's');
  const asked = { platform: '' };
  const engine = createServer(({ url = '' }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://engine');
    if (pathname.endsWith('/containers/create')) asked.platform = searchParams.get('platform') ?? '';
    response.writeHead(pathname === '/_ping' ? 200 : 500, { 'Api-Version': '1.47' }).end('{"message":""}');
  }).listen(socket);
  await once(engine, 'listening');
  const found: string[] = [];
  for (const text of texts) {
    asked.platform = '';
    const args = ['-H', `unix://${socket}`, 'create', '--pull', 'never', '--platform', text, 'image'];
    await promisify(execFile)(docker, args).catch(() => undefined);
    found.push(asked.platform);
  }
  engine.close();
  return found;
}
