/** The life of a mount from the moment it can be read: noticing its end, and bringing it about. */
import type { FileHandle } from 'node:fs/promises';

import { BundleError } from '../../ground/errors.ts';
import { detachMount } from './detach-mount.ts';
import { readMounts, type MountEntry } from '../../disk/mountinfo.ts';
import type { OpenHandles } from './open-handles.ts';
import { isFuseDescriptor } from './processes.ts';

export interface UnmountOptions {
  /** How long files that are open may be read on, in milliseconds; five minutes where absent. */
  readonly drainTimeoutMs?: number;
}

/**
 * A mount that this process serves. The process must never look at it by itself, synchronously or by `fs` promises, nor
 * start a program with a working folder in it: it would wait for its own answer, and not even SIGKILL ends that. The
 * threads behind a mount keep a process from ending by itself: it ends by process.exit, after `closed`.
 */
export interface BundleMount extends AsyncDisposable {
  /** Absolute, without symbolic links. */
  readonly mountPoint: string;
  /** Files that readers hold open. */
  readonly openHandleCount: number;
  /** Settles when it is out of the tree of folders, whoever took it out; open files may still be read. Never rejects. */
  readonly detached: Promise<void>;
  /** Settles when nothing is served any more, whoever unmounted it. Never rejects. */
  readonly closed: Promise<void>;
  /**
   * Takes the mount out of the tree at once, so that nothing new is opened, serves the files that are open until they
   * are closed or the time is up, and then ends. A second call with less time shortens the wait.
   * Throws mount-failed where detaching fails and mount-point-busy where something is mounted on top; the mount then
   * stays as it is.
   */
  unmount(options?: UnmountOptions): Promise<void>;
}

export interface ServedMountParts {
  /** What the kernel says of it. */
  readonly entry: MountEntry;
  readonly handles: OpenHandles;
  /** Of /dev/fuse, in /proc/self/fd: libfuse closes it when the connection is over. */
  readonly fuseDescriptor: string;
  /** The folder beneath the mount, open as the sign of who serves it; closed when it is detached. */
  readonly coveredFolder: FileHandle;
  /** Told to refuse what is opened from now on, or no longer to. */
  readonly setClosing: (isClosing: boolean) => void;
}

const defaultDrainTimeoutMs = 5 * 60 * 1000;
/** No event tells a daemon that somebody else unmounted it. */
const pollIntervalMs = 250;

export class ServedMount implements BundleMount {
  readonly detached: Promise<void>;
  readonly closed: Promise<void>;
  readonly #parts: ServedMountParts;
  readonly #settleDetached: () => void;
  readonly #settleClosed: () => void;
  #pollTimer: NodeJS.Timeout | undefined;
  #isDetached = false;
  #hasEnded = false;

  constructor(parts: ServedMountParts) {
    this.#parts = parts;
    let settleDetached: () => void = () => undefined;
    let settleClosed: () => void = () => undefined;
    this.detached = new Promise((resolve) => (settleDetached = resolve));
    this.closed = new Promise((resolve) => (settleClosed = resolve));
    this.#settleDetached = settleDetached;
    this.#settleClosed = settleClosed;
    this.#schedulePoll();
  }

  get mountPoint(): string {
    return this.#parts.entry.mountPoint;
  }

  get openHandleCount(): number {
    return this.#parts.handles.count;
  }

  async unmount({ drainTimeoutMs = defaultDrainTimeoutMs }: UnmountOptions = {}): Promise<void> {
    if (this.#hasEnded) return;
    await this.#detach();
    const timer = setTimeout(() => {
      this.#end();
    }, drainTimeoutMs);
    await this.closed;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unmount();
  }

  async #detach(): Promise<void> {
    const mounts = await readMounts();
    const own = mounts.find((mount) => this.#isOwn(mount));
    if (own !== undefined) {
      const top = mounts.findLast(({ mountPoint }) => mountPoint === own.mountPoint);
      if (top !== own) {
        throw new BundleError(
          'mount-point-busy',
          `Cannot unmount "${own.mountPoint}": "${top?.source ?? ''}" is mounted on top of it`,
        );
      }
      this.#parts.setClosing(true);
      const result = await detachMount(own.mountPoint, { lazy: true });
      if (result.kind !== 'detached' && (await this.#isAttached())) {
        this.#parts.setClosing(false);
        const reason = result.kind === 'failed' ? result.reason : 'it is busy';
        throw new BundleError('mount-failed', `Cannot unmount "${own.mountPoint}": ${reason}`);
      }
    }
    this.#drain();
  }

  /** From now on, the end comes as soon as no file is open. */
  #drain(): void {
    if (this.#isDetached) return;
    this.#isDetached = true;
    const { setClosing, coveredFolder, handles } = this.#parts;
    setClosing(true);
    this.#settleDetached();
    coveredFolder.close().catch(() => undefined);
    void handles.idle().then(() => {
      this.#end();
    });
  }

  #schedulePoll(): void {
    this.#pollTimer = setTimeout(() => {
      void this.#poll().then(() => {
        if (!this.#hasEnded) this.#schedulePoll();
      });
    }, pollIntervalMs);
  }

  async #poll(): Promise<void> {
    try {
      if (!(await isFuseDescriptor(this.#parts.fuseDescriptor))) {
        // The kernel has hung up, and no reader is served or will say that it closes its file.
        this.#drain();
        this.#end();
      } else if (!this.#isDetached && !(await this.#isAttached())) {
        this.#drain();
      }
    } catch {
      // /proc could not be read this time (too many files are open, say): the next time will tell.
    }
  }

  #isOwn({ mountId, device }: MountEntry): boolean {
    return mountId === this.#parts.entry.mountId && device === this.#parts.entry.device;
  }

  async #isAttached(): Promise<boolean> {
    return (await readMounts()).some((mount) => this.#isOwn(mount));
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#pollTimer);
    this.#parts.handles.releaseAll();
    this.#settleClosed();
  }
}
