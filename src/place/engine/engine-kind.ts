/** Finds out of which kind an engine is, asking as little as that takes. */
import type { EngineKind } from '../../image/engine-kinds.ts';
import type { EngineConnection } from './talk/engine-connection.ts';
import { askEngineFacts, type AskEngineFactsOptions } from './talk/engine-facts.ts';

/** The kind; undefined where the engine, or a proxy in front of it, does not say how it keeps images. Throws source-failed. */
export async function findEngineKind(
  connection: EngineConnection,
  options: AskEngineFactsOptions = {},
): Promise<EngineKind | undefined> {
  if (connection.isPodman) return 'podman';
  const { hasContainerdStore } = await askEngineFacts(connection, options);
  if (hasContainerdStore === undefined) return undefined;
  return hasContainerdStore ? 'containerd-store' : 'docker';
}
