/** `manifest.json` of docker-save archives (moby image/tarexport, "manifestItem"). */
import { z } from 'zod';
import { parseForeignJson } from './foreign-json.ts';

export interface DockerManifestEntry {
  /** Name of the config's member. */
  readonly config: string;
  /** As the archive has them: docker's short names. */
  readonly tags: readonly string[];
  /** Names of the layers' members, from the lowest up. */
  readonly layers: readonly string[];
}

const manifestSchema = z.array(
  z.object({
    Config: z.string(),
    RepoTags: z.array(z.string()).nullish(),
    Layers: z.array(z.string()).nullish(),
  }),
);

/** Reads `manifest.json`; `what` names it in errors. Throws archive-corrupt. */
export function parseDockerManifest(bytes: Uint8Array, what: string): DockerManifestEntry[] {
  return parseForeignJson(bytes, manifestSchema, what).map(({ Config, RepoTags, Layers }) => ({
    config: Config,
    tags: RepoTags ?? [],
    layers: Layers ?? [],
  }));
}
