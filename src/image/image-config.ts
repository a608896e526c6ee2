/** Image configs: what bundlefs takes from the OCI image configuration (image-spec, config.md), read as docker reads it. */
import { type DiffId, isDigest } from '../ground/digest.ts';
import { BundleError, isBundleError } from '../ground/errors.ts';
import { dockerConfig } from './docker-config.ts';
import { GoJsonFault, type GoValue, readGoJson } from './json/go-json.ts';

const skipHint =
  'No engine loads an image with such a config. Build it again, or go on without it: --skip-unloadable';

export interface ImagePlatform {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly createdBy?: string;
  readonly comment?: string;
  /** Whether the step made no layer. */
  readonly isEmptyLayer: boolean;
}

export interface ImageConfig {
  readonly diffIds: readonly DiffId[];
  readonly platform: ImagePlatform;
  /** RFC 3339. */
  readonly created?: string;
  readonly history: readonly HistoryEntry[];
}

/**
 * Reads a config blob as engines do; `what` names it in errors: `the config of shop/web:1`. Throws config-corrupt for
 * what no engine reads, image-unsupported for what has no layers in it.
 */
export function parseImageConfig(bytes: Uint8Array, what: string): ImageConfig {
  const { rootfs, architecture = '', os = '', variant, created, history = [] } = readConfig(bytes, what);
  if (rootfs === undefined) {
    throw new BundleError(
      'image-unsupported',
      `Cannot read ${what}: it has no rootfs, so it is not that of an image`,
      {
        hint: skipHint,
      },
    );
  }
  return {
    diffIds: (rootfs.diff_ids ?? []).map((id, index) => {
      if (isDigest(id)) return id as DiffId;
      throw configCorrupt(what, `rootfs.diff_ids[${index}] is "${id}", a sha256 digest was expected`);
    }),
    platform: { architecture, os, variant: unlessEmpty(variant) },
    created: unlessEmpty(created),
    history: history.map((entry) => ({
      created: unlessEmpty(entry.created),
      createdBy: unlessEmpty(entry.created_by),
      comment: unlessEmpty(entry.comment),
      isEmptyLayer: entry.empty_layer ?? false,
    })),
  };
}

/** For Go, a text that is empty and one that is not there are the same. */
function unlessEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function readConfig(bytes: Uint8Array, what: string): GoValue<typeof dockerConfig> {
  try {
    return readGoJson(bytes, dockerConfig) ?? {};
  } catch (error) {
    if (!(error instanceof GoJsonFault)) throw error;
    throw configCorrupt(what, error.message, error);
  }
}

/** The error for a config that no engine reads, because of `fault`. */
export function configCorrupt(what: string, fault: string, cause?: unknown): BundleError {
  return new BundleError('config-corrupt', `Cannot read ${what}: ${fault}`, { cause, hint: skipHint });
}

/** What a config says of its platform; undefined where no engine can read it. */
export function findImagePlatform(bytes: Uint8Array): ImagePlatform | undefined {
  try {
    return readImagePlatform(bytes);
  } catch (error) {
    if (isBundleError(error, 'config-corrupt')) return undefined;
    throw error;
  }
}

/** What a config says of its platform. Throws config-corrupt. */
export function readImagePlatform(bytes: Uint8Array): ImagePlatform {
  return parseImageConfig(bytes, 'an image config').platform;
}

/** The line of the history that made each layer, from the lowest up; shorter where the history does not say. */
export function layerSteps(history: readonly HistoryEntry[]): string[] {
  return history.filter((entry) => !entry.isEmptyLayer).map((entry) => tidyStep(entry.createdBy ?? ''));
}

/** `/bin/sh -c #(nop) COPY dir:9f86d0… in /app ` as a person would have it: `COPY dir in /app`. The same for every content. */
export function tidyStep(createdBy: string): string {
  return createdBy
    .replace(/\s+/g, ' ')
    .replace(/^\/bin\/sh -c #\(nop\) */, '')
    .replace(/^(?:RUN )?(?:\|\d+ .*?)?\/bin\/sh -c /, 'RUN ')
    .replace(/ # buildkit$/, '')
    .replace(/\b(file|dir|multi):[0-9a-f]{64}\b/g, '$1')
    .trim();
}
