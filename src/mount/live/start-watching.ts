/** Watches what the images of a mount depend on: an engine, and files. */
import type { EngineState } from '../../place/engine/watch-engine.ts';
import type { Log } from '../control/log.ts';
import type { MountStatus } from '../control/status.ts';
import { watchFiles } from './watch-files.ts';

export interface WatchSettings {
  /** The engine whose images these are: its host, or nothing for the one that the docker command would use. */
  readonly engine?: { readonly host?: string };
  /** Absolute paths: archives, compose files, lists. */
  readonly files: readonly string[];
  /** How long after the last sign of a change a new generation is begun, and after the first at the latest. */
  readonly quietMs: number;
  readonly limitMs: number;
}

export interface StartWatchingOptions {
  /** Files in it are not watched: nothing may look into a mount from inside. */
  readonly mountPoint: string;
  readonly log: Log;
  readonly onChange: (reason: string) => void;
  readonly onEngineState: () => void;
}

export interface Watching {
  readonly engine: MountStatus['engine'];
  readonly files: readonly string[];
  updateFiles(paths: readonly string[]): void;
  close(): void;
}

export function startWatching(settings: WatchSettings, options: StartWatchingOptions): Watching {
  const { mountPoint, log, onChange, onEngineState } = options;
  const closing = new AbortController();
  const isOutside = (path: string): boolean => !`${path}/`.startsWith(`${mountPoint}/`);
  const files = watchFiles(settings.files.filter(isOutside), {
    onChange: (path) => {
      onChange(`"${path}" has changed`);
    },
  });
  let engine: MountStatus['engine'];
  if (settings.engine !== undefined) {
    const take = (state: EngineState): void => {
      const isKnown =
        state.state === engine?.state || (state.state === 'connecting' && engine?.state === 'away');
      // While it stays away, the time when it went and the reason why are what counts.
      if (isKnown) return;
      engine = { ...state, since: new Date().toISOString() };
      if (state.state === 'connected') log.info(`watching ${state.description}`);
      if (state.state === 'away') log.warn(`the engine cannot be watched, waiting for it: ${state.reason}`);
      onEngineState();
    };
    void followEngine(settings.engine.host, { take, onChange, signal: closing.signal }).catch(
      (error: unknown) => {
        log.error(error);
      },
    );
  } else if (settings.files.length > 0) {
    onChange('files may have changed before they were watched');
  }
  return {
    get engine() {
      return engine;
    },
    get files() {
      return files.paths;
    },
    updateFiles(paths) {
      files.update(paths.filter(isOutside));
    },
    close() {
      closing.abort();
      files.close();
    },
  };
}

/** The engine's client takes memory that mounts of archives need not have. */
async function followEngine(
  host: string | undefined,
  options: {
    readonly take: (state: EngineState) => void;
    readonly onChange: (reason: string) => void;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { watchEngine } = await import('../../place/engine/watch-engine.ts');
  const { take, onChange, signal } = options;
  await watchEngine({ host, onChange, onState: take, signal });
}
