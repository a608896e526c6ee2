/** What the process behind a mount is given: all that was said on the command line, and what came of it. */
import type { WatchSettings } from '../../mount/live/start-watching.ts';
import type { GivenSelection } from '../../request/resolve-selection.ts';
import type { DeltaReference } from '../../request/made/base.ts';
import type { MountChoice } from './prepare-mount.ts';

export interface MountSettings {
  /** Absolute, without symbolic links. */
  readonly mountPoint: string;
  /** The folder that relative paths in `given` and `options` are meant from. */
  readonly folder: string;
  readonly cachePath: string;
  /** What the command line says of images: looked up anew for each generation. */
  readonly given: GivenSelection;
  readonly options: MountChoice;
  /** The bundle from which the mount shows a delta, too. */
  readonly deltaFrom?: DeltaReference;
  readonly allowOther: boolean;
  /** Of the process that makes new generations. */
  readonly niceness: number;
  readonly watch?: WatchSettings;
  readonly logFormat: 'text' | 'json';
  readonly logPath?: string;
  readonly metricsPath?: string;
}

/** What a worker is given; it runs in the folder of the settings. */
export interface WorkerTask {
  readonly cachePath: string;
  /** What the command line says of images: looked up anew for each generation. */
  readonly given: GivenSelection;
  readonly options: MountChoice;
  /** `mount` or `refresh`, for the journal of builds. */
  readonly verb: string;
  /** See PrepareBundleOptions. */
  readonly uncheckedRecipe?: string;
}
