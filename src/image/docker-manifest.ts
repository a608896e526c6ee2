/** `manifest.json` of docker-save archives (moby image/tarexport, "manifestItem"). */
import * as z from 'zod';
import { type BundleError, isBundleError } from '../ground/errors.ts';
import { checkForeignValue, goObject, parseForeignJson } from './json/foreign-json.ts';

export interface DockerManifestEntry {
  /** Name of the config's member. */
  readonly config: string;
  /** As the archive has them: docker's short names. */
  readonly tags: readonly string[];
  /** Names of the layers' members, from the lowest up. */
  readonly layers: readonly string[];
  /** Why it cannot be taken, where it is not what an entry must be. */
  readonly fault?: BundleError;
}

const entrySchema = goObject({
  Config: z.string(),
  RepoTags: z.array(z.string()).optional(),
  Layers: z.array(z.string()).optional(),
});

/** What can be read of any entry. */
const tagsSchema = goObject({ RepoTags: z.array(z.string()).optional() });

/**
 * Reads `manifest.json`, which is null where containerd exports no image for its host; `what` names it in errors. Throws archive-corrupt
 * where it is no list; what is wrong in it is each entry's.
 */
export function parseDockerManifest(bytes: Uint8Array, what: string): DockerManifestEntry[] {
  return (parseForeignJson(bytes, z.array(z.unknown()).nullable(), what) ?? []).map((value, index) => {
    try {
      const { Config, RepoTags, Layers } = checkForeignValue(value, entrySchema, what, [index]);
      return { config: Config, tags: RepoTags ?? [], layers: Layers ?? [] };
    } catch (error) {
      if (!isBundleError(error)) throw error;
      return { config: '', tags: tagsSchema.safeParse(value).data?.RepoTags ?? [], layers: [], fault: error };
    }
  });
}
