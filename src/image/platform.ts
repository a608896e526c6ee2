/** Platforms of images: the words for them, which one a config is for, and which one of several is wanted. */
import { BundleError } from '../ground/errors.ts';
import type { ImagePlatform } from './image-config.ts';

/** Which image to take of several under one name. */
export interface PlatformWish {
  readonly platform: ImagePlatform;
  /** Whether an image that is the only one of its name must be for this platform too. */
  readonly isRequired: boolean;
}

/** Node's names of architectures that Go calls otherwise. */
const goNames: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  ppc64: 'ppc64le',
  mipsel: 'mipsle',
};

/** containerd/platforms, database.go: the words that may be a platform on their own. */
const knownSystems = new Set(
  'aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos'.split(
    ' ',
  ),
);
const knownArchitectures = new Set(
  '386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le ppc riscv riscv64 s390 s390x sparc sparc64 wasm'.split(
    ' ',
  ),
);

/** The platform of Linux images that a machine of this architecture, as Node calls it, runs. */
export function platformOfArch(arch: string): ImagePlatform {
  return normalisePlatform({ architecture: goNames[arch] ?? arch, os: 'linux' });
}

/**
 * Parses every word for a platform that docker takes: `linux/arm64`, `linux/arm/v7`, `arm64`, `linux`, `Linux/x86_64`,
 * `armhf`. The answer has one form for all words of one platform. A system alone means the architecture of this
 * machine, `arch` as Node calls it; an architecture alone means Linux. Throws invalid-argument.
 */
export function parsePlatform(text: string, arch: string): ImagePlatform {
  const words = text.toLowerCase().split('/');
  const [first = '', second, variant] = words;
  if (words.length > 3 || !words.every((word) => /^[a-z0-9_.-]+$/.test(word))) throw noPlatform(text);
  if (second !== undefined) {
    return normalisePlatform({ os: first, architecture: second, variant });
  }
  const system = normaliseSystem(first);
  if (knownSystems.has(system)) return { ...platformOfArch(arch), os: system };
  const platform = normalisePlatform({ os: 'linux', architecture: first });
  if (!knownArchitectures.has(platform.architecture)) throw noPlatform(text);
  return platform;
}

/** `linux/arm/v7`. */
export function formatPlatform({ os, architecture, variant }: ImagePlatform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');
}

/** Whether both are words for one platform: arm64 is arm64/v8, and arm is arm/v7. */
export function isSamePlatform(a: ImagePlatform, b: ImagePlatform): boolean {
  return formatPlatform(normalisePlatform(a)) === formatPlatform(normalisePlatform(b));
}

/** Whether an image for `platform` is what `wanted` asks for: it runs there, and is for the same architecture. */
export function matchesPlatform(platform: ImagePlatform, wanted: ImagePlatform): boolean {
  return rankPlatform(platform, wanted) !== undefined;
}

/**
 * Of several images under one name, the one that docker takes for `wanted`: of all variants that run there the newest,
 * and the first of those that are equally good. Undefined where none matches.
 */
export function findForPlatform<T>(
  images: readonly T[],
  platformOf: (image: T) => ImagePlatform | undefined,
  wanted: ImagePlatform,
): T | undefined {
  let best: { readonly image: T; readonly rank: number } | undefined;
  for (const image of images) {
    const platform = platformOf(image);
    const rank = platform && rankPlatform(platform, wanted);
    if (rank !== undefined && (best === undefined || rank < best.rank)) best = { image, rank };
  }
  return best?.image;
}

/** How many variants are better than that of `platform` for `wanted`; undefined where it does not match. */
function rankPlatform(platform: ImagePlatform, wanted: ImagePlatform): number | undefined {
  const [own, other] = [normalisePlatform(platform), normalisePlatform(wanted)];
  if (own.os !== other.os || own.architecture !== other.architecture) return undefined;
  const rank = listRunnableVariants(other).indexOf(own.variant);
  return rank < 0 ? undefined : rank;
}

/**
 * The variants that a machine of this platform runs, the newest first (containerd/platforms, compare.go,
 * "platformVector"): arm/v7 runs v6 and v5, amd64/v3 runs v2 and plain amd64, arm64/v9.1 runs v9, v8.6, … and plain arm64.
 */
function listRunnableVariants({ architecture, variant }: ImagePlatform): (string | undefined)[] {
  const [, major = '', minor = '0'] = /^v(\d)(?:\.(\d))?$/.exec(variant ?? '') ?? [];
  const down = (from: number, to: number): number[] =>
    Array.from({ length: Math.max(0, from - to + 1) }, (_, index) => from - index);
  const name = (number: number): string => `v${number}`;
  if (architecture === 'amd64' && major !== '') return [...down(Number(major), 2).map(name), undefined];
  if (architecture === 'arm' && major !== '') return down(Number(major), 5).map(name);
  if (architecture === 'arm64' && major !== '') {
    const isNine = major === '9';
    const nines = isNine ? [...down(Number(minor), 1).map((number) => `v9.${number}`), 'v9'] : [];
    const eights = down(Number(minor) + (isNine ? 5 : 0), 1).map((number) => `v8.${number}`);
    return [...nines, ...eights, undefined];
  }
  return [variant];
}

/** containerd/platforms, defaults and database.go, "Normalize": one form for all words of one platform. */
function normalisePlatform({ os, architecture, variant = '' }: ImagePlatform): ImagePlatform {
  const [name, kind] = normaliseArchitecture(architecture.toLowerCase(), variant.toLowerCase());
  return {
    os: normaliseSystem(os.toLowerCase()),
    architecture: name,
    variant: kind !== '' ? kind : undefined,
  };
}

function normaliseSystem(os: string): string {
  return os === 'macos' ? 'darwin' : os;
}

function normaliseArchitecture(
  architecture: string,
  variant: string,
): [architecture: string, variant: string] {
  switch (architecture) {
    case 'i386':
      return ['386', ''];
    case 'x86_64':
    case 'x86-64':
    case 'amd64':
      return ['amd64', variant === 'v1' ? '' : variant];
    case 'aarch64':
    case 'arm64':
      if (['8', 'v8', 'v8.0'].includes(variant)) return ['arm64', ''];
      return ['arm64', ['9', '9.0', 'v9.0'].includes(variant) ? 'v9' : variant];
    case 'armhf':
      return ['arm', 'v7'];
    case 'armel':
      return ['arm', 'v6'];
    case 'arm':
      return ['arm', variant === '' ? 'v7' : variant.replace(/^(?=[5-8]$)/, 'v')];
    default:
      return [architecture, variant];
  }
}

function noPlatform(text: string): BundleError {
  return new BundleError(
    'invalid-argument',
    `Cannot read platform "${text}": os/architecture or os/architecture/variant was expected`,
    { hint: 'For example linux/amd64, linux/arm/v7, or arm64 for linux/arm64.' },
  );
}
