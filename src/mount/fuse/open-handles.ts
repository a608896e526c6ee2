/** The files that readers of a mount hold open, each with what was published when it was opened. */
import type { FileEntry } from './bundle-directory.ts';
import { firstModuleHandle, type OpenFile } from './mounted-file.ts';

export interface OpenHandle {
  readonly path: string;
  readonly entry: FileEntry;
  readonly file: OpenFile;
  /** Reads that have not settled; the file is closed after the last. */
  pendingReadCount: number;
}

/** Hands out handle numbers and closes each file when its handle is released and its reads have settled. */
export class OpenHandles {
  readonly #handles = new Map<number, OpenHandle>();
  readonly #released = new Set<OpenHandle>();
  readonly #onCloseError: (error: unknown, path: string) => void;
  #lastNumber = 0;
  #idleWaiters: (() => void)[] = [];

  constructor(onCloseError: (error: unknown, path: string) => void) {
    this.#onCloseError = onCloseError;
  }

  get count(): number {
    return this.#handles.size;
  }

  /** The file's own number, or a positive one below those of the read module: 0 means none to fuse-native. */
  add(path: string, entry: FileEntry, file: OpenFile): number {
    const number = file.handleNumber ?? this.#takeNumber();
    this.#handles.set(number, { path, entry, file, pendingReadCount: 0 });
    return number;
  }

  find(number: number): OpenHandle | undefined {
    return this.#handles.get(number);
  }

  /** What `path` was when it was last opened by a reader that still holds it. */
  findEntry(path: string): FileEntry | undefined {
    let entry: FileEntry | undefined;
    for (const handle of this.#handles.values()) if (handle.path === path) entry = handle.entry;
    return entry;
  }

  /** Runs `read` with the handle kept open until it settles. */
  async readWith(handle: OpenHandle, read: () => Promise<number>): Promise<number> {
    handle.pendingReadCount++;
    try {
      return await read();
    } finally {
      handle.pendingReadCount--;
      if (this.#released.has(handle)) this.#close(handle);
    }
  }

  release(number: number): void {
    const handle = this.#handles.get(number);
    if (handle === undefined) return;
    this.#handles.delete(number);
    this.#released.add(handle);
    this.#close(handle);
    if (this.#handles.size > 0) return;
    for (const wake of this.#idleWaiters) wake();
    this.#idleWaiters = [];
  }

  releaseAll(): void {
    for (const number of [...this.#handles.keys()]) this.release(number);
  }

  /** Resolves as soon as no handle is open. */
  idle(): Promise<void> {
    if (this.#handles.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  #takeNumber(): number {
    do {
      this.#lastNumber = this.#lastNumber >= firstModuleHandle - 1 ? 1 : this.#lastNumber + 1;
    } while (this.#handles.has(this.#lastNumber));
    return this.#lastNumber;
  }

  #close(handle: OpenHandle): void {
    if (handle.pendingReadCount > 0) return;
    this.#released.delete(handle);
    const report = (error: unknown): void => {
      this.#onCloseError(error, handle.path);
    };
    try {
      Promise.resolve(handle.file.close()).catch(report);
    } catch (error) {
      report(error);
    }
  }
}
