/** Image configs: what bundlefs relies on of the OCI image configuration (image-spec, config.md) that docker writes too. */
import { z } from 'zod';
import { type DiffId, parseDiffId } from '../digest.ts';
import { parseForeignJson } from './foreign-json.ts';

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

const text = z.string().nullish();

const configSchema = z.object({
  architecture: text,
  os: text,
  variant: text,
  created: text,
  rootfs: z.object({ diff_ids: z.array(z.string()).nullish() }),
  history: z
    .array(z.object({ created: text, created_by: text, comment: text, empty_layer: z.boolean().nullish() }))
    .nullish(),
});

/** Reads a config blob; `what` names it in errors. Throws archive-corrupt. */
export function parseImageConfig(bytes: Uint8Array, what: string): ImageConfig {
  const config = parseForeignJson(bytes, configSchema, what);
  return {
    diffIds: (config.rootfs.diff_ids ?? []).map((id) => parseDiffId(id, `rootfs.diff_ids of ${what}`)),
    platform: {
      architecture: config.architecture ?? '',
      os: config.os ?? '',
      ...(config.variant && { variant: config.variant }),
    },
    ...(config.created && { created: config.created }),
    history: (config.history ?? []).map((entry) => ({
      ...(entry.created && { created: entry.created }),
      ...(entry.created_by && { createdBy: entry.created_by }),
      ...(entry.comment && { comment: entry.comment }),
      isEmptyLayer: entry.empty_layer ?? false,
    })),
  };
}

/** What a config says of its platform. Throws archive-corrupt. */
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
