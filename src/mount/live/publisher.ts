/** The generations of a mount: the one that is shown, and older ones for as long as somebody reads them. */
import {
  type BundleDirectory,
  createBundleDirectory,
  type DirectoryEntry,
  type FileEntry,
} from '../fuse/bundle-directory.ts';
import type { OpenFile } from '../fuse/mounted-file.ts';
import type { ImageSummary } from '../control/status.ts';

/** An open bundle and the files that show it. */
export interface GenerationContent {
  /** The recipe's digest, and the recipe itself. */
  readonly recipe: string;
  readonly recipeJson: object;
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
  readonly images: readonly ImageSummary[];
  readonly entries: readonly DirectoryEntry[];
  readonly mtimeMs: number;
  /** Called once, when it is shown no more and none of its files is open. */
  close(): Promise<void>;
}

export interface Generation {
  /** 1 for the first of a mount. */
  readonly number: number;
  readonly content: GenerationContent;
  readonly publishedMs: number;
  readonly openHandleCount: number;
}

export interface PublisherOptions {
  /** What every generation shows besides its own files; asked once for each. */
  readonly extraEntries: (content: GenerationContent) => readonly DirectoryEntry[];
  readonly onCloseError: (error: unknown) => void;
  readonly now?: () => number;
}

interface HeldGeneration extends Generation {
  openHandleCount: number;
  readonly directory: BundleDirectory;
}

/** Publishing replaces the whole directory at once: whoever opens a file sees all of one generation. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #held = new Set<HeldGeneration>();
  #current: HeldGeneration | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** What the mount shows. Throws before the first is published. */
  get directory(): BundleDirectory {
    return this.#getCurrent().directory;
  }

  get current(): Generation {
    return this.#getCurrent();
  }

  /** Those that are shown no more but still read, the oldest first. */
  get older(): readonly Generation[] {
    return [...this.#held].filter((generation) => generation !== this.#current);
  }

  /** Shows `content` from now on. It is the publisher's to close, also where this throws. */
  publish(content: GenerationContent): Generation {
    const { extraEntries, now = Date.now } = this.#options;
    const generation: HeldGeneration = {
      number: (this.#current?.number ?? 0) + 1,
      content,
      publishedMs: now(),
      openHandleCount: 0,
      directory: createBundleDirectory(
        [...content.entries, ...extraEntries(content)].map((entry) =>
          countHandles(entry, (change) => {
            generation.openHandleCount += change;
            this.#closeIfDone(generation);
          }),
        ),
        { mtimeMs: content.mtimeMs },
      ),
    };
    const old = this.#current;
    this.#held.add(generation);
    this.#current = generation;
    if (old !== undefined) this.#closeIfDone(old);
    return generation;
  }

  /** Closes all generations, whoever still reads them. */
  async close(): Promise<void> {
    const held = [...this.#held];
    this.#held.clear();
    await Promise.all(held.map((generation) => this.#close(generation)));
  }

  #getCurrent(): HeldGeneration {
    if (this.#current === undefined) throw new RangeError('Nothing is published yet');
    return this.#current;
  }

  #closeIfDone(generation: HeldGeneration): void {
    if (generation === this.#current || generation.openHandleCount > 0) return;
    if (this.#held.delete(generation)) void this.#close(generation);
  }

  async #close({ content }: HeldGeneration): Promise<void> {
    try {
      await content.close();
    } catch (error) {
      this.#options.onCloseError(error);
    }
  }
}

/** The same entry, which tells of every file that is opened (+1) and closed (-1). */
function countHandles(entry: DirectoryEntry, onChange: (change: 1 | -1) => void): DirectoryEntry {
  if (entry.kind === 'folder') {
    return { ...entry, entries: entry.entries.map((inner) => countHandles(inner, onChange)) };
  }
  const { file } = entry;
  const open = async (): Promise<OpenFile> => {
    onChange(1); // before it is opened, or the generation could end in the middle
    try {
      const opened = await file.open();
      return {
        handleNumber: opened.handleNumber,
        size: opened.size,
        tryRead: (target, position) => opened.tryRead(target, position),
        read: (target, position) => opened.read(target, position),
        async close() {
          try {
            await opened.close();
          } finally {
            onChange(-1);
          }
        },
      };
    } catch (error) {
      onChange(-1);
      throw error;
    }
  };
  const counted: FileEntry['file'] = {
    get size() {
      return file.size;
    },
    open,
  };
  return { ...entry, file: counted };
}
