/** What a mount needs of a file it shows: a size, and a way to open it. */

/** The first of the numbers that are the read module's to give. */
export const firstModuleHandle = 2 ** 30;

export interface MountedFile {
  /**
   * Bytes. A safe integer, and the same for as long as the file is in a directory, unless its handles have sizes of
   * their own.
   */
  readonly size: number;
  /** Opens the file for one handle. The handle keeps what it opened, whatever is published later. */
  open(): OpenFile | Promise<OpenFile>;
}

/**
 * One open handle's view of a file. `target` belongs to the mount and may be written only until the call has returned
 * or its promise has settled: after that, the memory behind it is gone.
 */
export interface OpenFile {
  /**
   * The number of the read module's handle for it, from firstModuleHandle on and nobody else's in this process; absent
   * where the module does not know it. Its reads then come here only where the module has no answer.
   */
  readonly handleNumber?: number;
  /** Bytes of what this handle opened; the file's size where absent. */
  readonly size?: number;
  /**
   * Fills `target` from `position` on without waiting for anything, and returns how many bytes it wrote: fewer than
   * asked only at the end of the file. Returns undefined where it would have to wait; then the mount calls `read`.
   */
  tryRead(target: Uint8Array, position: number): number | undefined;
  /** As tryRead, but waits for the bytes. Never gives wrong bytes: rejects instead, which the reader sees as EIO. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Gives back what open took. Called once, after the last read has settled. */
  close(): unknown;
}

/** A file of exactly these bytes, which must not change afterwards. */
export function createMemoryFile(bytes: Uint8Array): MountedFile {
  const tryRead = (target: Uint8Array, position: number): number => {
    const part = bytes.subarray(position, position + target.length);
    target.set(part);
    return part.length;
  };
  const openFile: OpenFile = {
    tryRead,
    read: (target, position) => Promise.resolve(tryRead(target, position)),
    close: () => undefined,
  };
  return { size: bytes.length, open: () => openFile };
}
