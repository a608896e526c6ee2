/** Settings that a flag, the project file or the environment may give: which one counts. */
import { arch } from 'node:process';
import { BundleError } from '../ground/errors.ts';
import { parsePlatform } from '../image/platform.ts';
import type { ProjectFile } from './project-file.ts';

export interface PresetChoice {
  readonly preset: number;
  readonly extreme: boolean;
}

export const checkNames = ['crc32', 'crc64', 'sha256'] as const;
export type CheckChoice = (typeof checkNames)[number];

/** As they were given; each may be left out. */
export interface GivenSettings {
  readonly from?: string;
  readonly cache?: string;
  readonly platform?: string;
  readonly preset?: PresetChoice;
  /** Stands for a preset, and is not given beside one. */
  readonly fast?: boolean;
  readonly check?: CheckChoice;
  readonly skipUnloadable?: boolean;
}

/** Of presets 0 to 6, the one that saves most time for the size that it costs: docs/performance.md has the figures. */
const fastPreset: PresetChoice = { preset: 1, extreme: false };

export interface Settings {
  readonly from?: string;
  /** From a flag or the file only: cache/cache.ts knows the environment and the default. */
  readonly cache?: string;
  /** For all images that do not say otherwise themselves. */
  readonly platform?: string;
  readonly preset: PresetChoice;
  readonly check: CheckChoice;
  /** Whether images that no engine loads are left out, and no error. */
  readonly skipUnloadable?: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Flags go before the file, the file before the environment, that before the defaults. Throws invalid-argument. */
export function chooseSettings(
  given: GivenSettings,
  file: ProjectFile | undefined,
  environment: Environment,
): Settings {
  const variable = (name: string): string | undefined =>
    environment[name] === '' ? undefined : environment[name];
  const from = given.from ?? file?.from ?? variable('BUNDLEFS_FROM');
  const cache = given.cache ?? file?.cache;
  const platform =
    given.platform ?? file?.platform ?? variable('BUNDLEFS_PLATFORM') ?? variable('DOCKER_DEFAULT_PLATFORM');
  if (platform !== undefined) parsePlatform(platform, arch);
  const skipUnloadable = given.skipUnloadable ?? file?.skipUnloadable;
  const preset = file?.preset ?? variable('BUNDLEFS_PRESET');
  return {
    from,
    cache,
    platform,
    preset:
      given.preset ??
      (given.fast === true ? fastPreset : readPreset(preset === undefined ? undefined : String(preset))),
    check: given.check ?? file?.check ?? readCheck(variable('BUNDLEFS_CHECK')),
    skipUnloadable,
  };
}

/** `6`, `9e`; undefined for anything else. */
export function findPreset(text: string): PresetChoice | undefined {
  const match = /^([0-9])(e?)$/.exec(text);
  return match === null ? undefined : { preset: Number(match[1]), extreme: match[2] === 'e' };
}

function readPreset(text = '6'): PresetChoice {
  const preset = findPreset(text);
  if (preset !== undefined) return preset;
  throw new BundleError(
    'invalid-argument',
    `Cannot use BUNDLEFS_PRESET "${text}": a digit from 0 to 9 was expected, and an "e" behind it for extreme`,
  );
}

function readCheck(text = 'crc64'): CheckChoice {
  const check = checkNames.find((name) => name === text);
  if (check !== undefined) return check;
  throw new BundleError(
    'invalid-argument',
    `Cannot use BUNDLEFS_CHECK "${text}": one of ${checkNames.join(', ')} was expected`,
  );
}
