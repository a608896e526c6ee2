/** A mount that follows its images: generations, refreshes, watching, and everything it says of itself. */
import { rm } from '../../disk/named-files.ts';
import { join } from 'node:path';
import { describeError } from '../../ground/errors.ts';
import { mountBundle } from '../fuse/mount-bundle.ts';
import type { BundleMount } from '../fuse/served-mount.ts';
import { compareImages, logRefresh } from './log-refresh.ts';
import { type ControlServer, startControlServer } from '../control/control-server.ts';
import type { ControlAnswer, ControlRequest } from '../control/control-protocol.ts';
import { createHiddenFolder } from './hidden-folder.ts';
import type { Log } from '../control/log.ts';
import { renderMetrics, writeMetrics } from '../control/metrics.ts';
import { mountId, socketFolders } from '../control/mount-places.ts';
import { forgetRecord, keepRecord } from '../control/mount-record.ts';
import { type GenerationContent, Publisher } from './publisher.ts';
import { type PrepareRequest, type PublishResult, Refresher } from './refresher.ts';
import { connectServiceManager, type ServiceManager } from '../control/service-manager.ts';
import type { MountStatus, RefreshRecord } from '../control/status.ts';
import { startWatching, type Watching, type WatchSettings } from './start-watching.ts';
import type { HeldGeneration } from './run-worker.ts';
import type { PreparedGeneration } from './worker-message.ts';

export interface LiveMountOptions {
  /** Absolute, without symbolic links. */
  readonly mountPoint: string;
  readonly version: string;
  readonly allowOther: boolean;
  /** The digest of the recipe to show first; the cache has it, with its bundle's digest. */
  readonly recipe: string;
  readonly openGeneration: (recipe: string) => Promise<GenerationContent>;
  /** Makes a generation of what the images are now, elsewhere than in this process. */
  readonly prepare: (request: PrepareRequest & { readonly knownRecipe: string }) => Promise<HeldGeneration>;
  /** What to watch; absent where the mount is refreshed only when asked. */
  readonly watch?: WatchSettings;
  readonly log: Log;
  readonly logPath?: string;
  readonly metricsPath?: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Gives up mounting; once the mount is there, it means that it is about to be unmounted. */
  readonly signal: AbortSignal;
}

const metricsIntervalMs = 15_000;

/** After a failed refresh of a mount that watches. */
const retries = { retryMs: 60_000, longestRetryMs: 30 * 60_000 };

export class LiveMount {
  readonly #options: LiveMountOptions;
  readonly #publisher: Publisher;
  readonly #refresher: Refresher;
  readonly #manager: ServiceManager;
  readonly #sinceMs = Date.now();
  readonly #onError = (error: unknown): void => {
    this.#options.log.error(error);
  };
  #mount: BundleMount | undefined;
  #watching: Watching | undefined;
  #control: ControlServer | undefined;
  #metricsTimer: NodeJS.Timeout | undefined;
  #metricsWrite: Promise<unknown> = Promise.resolve();
  #isEnding = false;

  private constructor(options: LiveMountOptions) {
    const { log, environment, watch, prepare } = options;
    this.#options = options;
    this.#manager = connectServiceManager(environment, this.#onError);
    this.#publisher = new Publisher({
      extraEntries: (content) => [createHiddenFolder(content, () => this.status)],
      onCloseError: this.#onError,
    });
    this.#refresher = new Refresher({
      prepare: (request) => prepare({ ...request, knownRecipe: this.#publisher.current.content.recipe }),
      publish: (prepared) => this.#publish(prepared),
      generation: () => this.#publisher.current.number,
      onStart: (reason) => {
        log.info('refresh begins', { reason });
        this.#manager.status(`${this.#describe()}; refreshing (${reason})`);
        this.#writeMetrics();
      },
      onEnd: (record) => {
        this.#report(record);
      },
      quietMs: watch?.quietMs ?? 0,
      limitMs: watch?.limitMs ?? 0,
      ...(watch !== undefined && retries),
    });
  }

  /** Mounts the first generation and resolves when it can be read. Throws what opening and mounting throw. */
  static async start(options: LiveMountOptions): Promise<LiveMount> {
    const live = new LiveMount(options);
    try {
      await live.#start();
      return live;
    } catch (error) {
      await live.close();
      throw error;
    }
  }

  get mount(): BundleMount {
    if (this.#mount === undefined) throw new RangeError('Nothing is mounted yet');
    return this.#mount;
  }

  /** Follows nothing any more, and ends a refresh that runs; what is open is still served. */
  beginEnd(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#watching?.close();
    void this.#refresher.close();
    if (this.#mount === undefined) return;
    const { openHandleCount } = this.#mount;
    this.#options.log.info('the mount ends', { openHandles: openHandleCount });
    this.#manager.stopping(
      openHandleCount === 0
        ? 'unmounting'
        : `unmounted; open files are read to their end: ${openHandleCount}`,
    );
  }

  /** Takes away all that is not the mount itself, which has ended. */
  async close(): Promise<void> {
    const { mountPoint, environment, log, metricsPath } = this.#options;
    this.beginEnd();
    clearInterval(this.#metricsTimer);
    await this.#refresher.close();
    await this.#metricsWrite;
    const steps = [
      () => this.#control?.[Symbol.asyncDispose](),
      () => forgetRecord(mountPoint, environment, process.pid),
      // What an exporter would go on reading is of a mount that is not there.
      () => (metricsPath === undefined ? undefined : rm(metricsPath, { force: true })),
      () => this.#publisher.close(),
    ];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        log.error(error);
      }
    }
    this.#manager.close();
  }

  get status(): MountStatus {
    const { mountPoint, version, watch, logPath } = this.#options;
    const { current, older } = this.#publisher;
    const { content } = current;
    const { last, state, lastSuccess, totals } = this.#refresher;
    const engine = this.#watching?.engine;
    return {
      format: 'bundlefs-status-1',
      version,
      mountPoint,
      state: this.#isEnding ? 'draining' : 'serving',
      pid: process.pid,
      since: new Date(this.#sinceMs).toISOString(),
      isWatching: watch !== undefined,
      generation: {
        number: current.number,
        recipe: content.recipe,
        published: new Date(current.publishedMs).toISOString(),
        size: content.size,
        sha256: content.sha256,
        images: [...content.images],
      },
      openHandleCount: this.#mount?.openHandleCount ?? 0,
      olderGenerations: older.map(({ number, openHandleCount }) => ({ number, openHandleCount })),
      refresh: state,
      lastRefresh: last,
      lastSuccess,
      totals,
      engine,
      watchedFiles: [...(this.#watching?.files ?? [])],
      residentSize: process.memoryUsage.rss(),
      logPath,
    };
  }

  async #start(): Promise<void> {
    const { mountPoint, recipe, openGeneration, allowOther, log, signal, watch, metricsPath } = this.#options;
    this.#publisher.publish(await openGeneration(recipe));
    this.#mount = await mountBundle(() => this.#publisher.directory, mountPoint, {
      allowOther,
      signal,
      onError: (error, path) => {
        log.error(error, path);
      },
    });
    void this.#mount.detached.then(() => {
      this.beginEnd();
    });
    signal.addEventListener('abort', () => {
      this.beginEnd();
    });
    await this.#startControl();
    if (watch !== undefined) {
      this.#watching = startWatching(watch, {
        mountPoint,
        log,
        onChange: (reason) => {
          this.#refresher.request(reason);
        },
        onEngineState: () => {
          this.#writeMetrics();
        },
      });
    }
    log.info(`mounted at ${mountPoint}: ${this.#describe()}`, { recipe, watching: watch !== undefined });
    this.#manager.ready(this.#describe());
    if (metricsPath !== undefined) {
      this.#writeMetrics();
      this.#metricsTimer = setInterval(() => {
        this.#writeMetrics();
      }, metricsIntervalMs).unref();
    }
  }

  /** Without it the mount serves all the same; it only cannot be asked. */
  async #startControl(): Promise<void> {
    const { mountPoint, environment, log, logPath } = this.#options;
    for (const folder of socketFolders(environment)) {
      const path = join(folder, `${mountId(mountPoint)}.${process.pid}.sock`);
      try {
        this.#control = await startControlServer(path, (...args) => this.#answer(...args), {
          onError: this.#onError,
        });
        break;
      } catch (error) {
        log.warn(describeError(error));
      }
    }
    try {
      await keepRecord(
        {
          format: 'bundlefs-mount-1',
          mountPoint,
          pid: process.pid,
          since: new Date(this.#sinceMs).toISOString(),
          socketPath: this.#control && this.#control.path,
          logPath,
        },
        environment,
      );
    } catch (error) {
      log.warn(`bundlefs status and list will not know this mount: ${describeError(error)}`);
    }
  }

  async #answer(request: ControlRequest['request'], answer: (value: ControlAnswer) => void): Promise<void> {
    if (request === 'status') {
      answer({ kind: 'status', status: this.status });
      return;
    }
    const refresh = await this.#refresher.refreshNow('asked for', (progress) => {
      answer({ kind: 'progress', progress });
    });
    answer({ kind: 'refreshed', refresh });
  }

  async #publish(prepared: PreparedGeneration): Promise<PublishResult> {
    this.#watching?.updateFiles(prepared.files);
    const before = this.#publisher.current;
    if (prepared.recipe === before.content.recipe) {
      const changes = { added: [], removed: [], changed: [] };
      return { result: 'unchanged', generation: before.number, changes };
    }
    const content = await this.#options.openGeneration(prepared.recipe);
    const { number } = this.#publisher.publish(content);
    const changes = compareImages(before.content.images, content.images);
    return { result: 'published', generation: number, changes };
  }

  #report(record: RefreshRecord): void {
    logRefresh(this.#options.log, record);
    const failure = record.error === undefined ? '' : `; last refresh failed: ${record.error.message}`;
    this.#manager.status(`${this.#describe()}${failure}`);
    this.#writeMetrics();
  }

  #describe(): string {
    const { number, content } = this.#publisher.current;
    return `generation ${number}, images: ${content.images.length}, bytes: ${content.size}`;
  }

  #writeMetrics(): void {
    const { metricsPath, log } = this.#options;
    if (metricsPath === undefined || this.#mount === undefined) return;
    this.#metricsWrite = this.#metricsWrite.then(async () => {
      try {
        await writeMetrics(metricsPath, renderMetrics(this.status));
      } catch (error) {
        log.error(error);
      }
    });
  }
}
