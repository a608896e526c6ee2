/** What every place that images come from can do; each source is a folder or file beside this one. */
import type { DiffId, Digest } from '../ground/digest.ts';
import type { Image } from './image.ts';
import type { Reference } from './reference.ts';
import type { LeaveOut } from './leave-out.ts';

/** What a source hands layers to. Implemented by the bundle's ingest, and by verify, which only hashes. */
export interface LayerSink {
  /** Whether the layer is at hand already, so that a source that knows diffIds beforehand need not read it. */
  hasLayer(diffId: DiffId): Promise<boolean>;
  /**
   * Reads `content`, one layer's uncompressed tar, to its end, and returns what it hashes to.
   * Returns when the stream has been read, which may be before its blocks are encoded; slows the reader down
   * where encoding does not keep up. Where `expected` is given and differs, throws `layer-mismatch` and keeps nothing.
   */
  addLayer(content: AsyncIterable<Uint8Array>, options?: AddLayerOptions): Promise<AddedLayer>;
  /**
   * Throws cache-full where `size` bytes, of layers as a source has them stored, cannot have room where the sink puts
   * them: said before the first of them is fetched. A sink that puts nothing anywhere has room for all.
   */
  checkRoom?(size: number, options: CheckRoomOptions): Promise<void>;
  /** The config bytes kept for this id (see keepConfig), or for this digest of theirs; undefined where there are none. */
  findConfig(imageId: Digest): Promise<Uint8Array | undefined>;
  /** Keeps config bytes for findConfig of a later run: by an engine's image id, or by another digest that stands for one image. */
  keepConfig(imageId: Digest, config: Uint8Array): Promise<void>;
}

export interface CheckRoomOptions {
  /** What the bytes are of, for the message: `layer 3 of shop/web:1`. */
  readonly label: string;
  /** Whether they are compressed, and so take about as much room here. */
  readonly isCompressed: boolean;
}

export interface AddLayerOptions {
  readonly expected?: DiffId;
  /** What the layer is called in messages: `layer 3 of shop/web:1`. */
  readonly label?: string;
}

export interface AddedLayer {
  readonly diffId: DiffId;
  /** Bytes of the uncompressed tar. */
  readonly size: number;
  /** Why it is no tar, by how it starts: then nothing of it was kept. */
  readonly tarFault?: string | undefined;
}

export interface ReadImagesOptions {
  readonly signal?: AbortSignal;
  /** Called as bytes of the source are read; `total` is undefined where the source cannot know. */
  readonly onRead?: (done: number, total: number | undefined) => void;
  /** What is done about an image that no engine loads, as its config or manifest tells; thrown where left out. */
  readonly leaveOut?: LeaveOut | undefined;
}

/** What a source says of an image without handing over any of its layers. */
export interface SurveyedImage {
  /** Fully qualified names that it was asked for by; empty for an untagged image. */
  readonly tags: readonly string[];
  /** The config digest, or what else the source calls the image by (a manifest's digest, of containerd's store). */
  readonly id: Digest;
  /** Where the source has it at hand. */
  readonly config?: Uint8Array;
  /** From the lowest up. */
  readonly layers: readonly SurveyedLayer[];
  /** Bytes, about, that the source hands over for the image as a whole; absent where it hands over single layers. */
  readonly exportSize?: number;
}

export interface SurveyedLayer {
  readonly diffId: DiffId;
  /** Bytes of its tar; absent where the source does not say. */
  readonly size?: number;
  /** Whether `size` is just that, and not an estimate. */
  readonly isExact: boolean;
  /** The line of the history that made it, where that is known. */
  readonly createdBy?: string;
}

export interface ImageSource {
  /** What it is, for messages: `docker engine at unix:///var/run/docker.sock`, `archive "images.tar"`. */
  readonly description: string;
  /**
   * Finds the images that `references` name (all images where it is empty), hands every layer they need and the sink
   * lacks to the sink, and returns them checked: each layer of each image is in the sink, and each config hashes to
   * its digest. One image with several names comes once, with all of those names that were asked for.
   * Throws image-not-found (naming near misses), source-*, archive-*, config-* and layer-* errors.
   */
  readImages(
    references: readonly Reference[],
    sink: LayerSink,
    options?: ReadImagesOptions,
  ): Promise<readonly Image[]>;
  /**
   * What readImages would find, asked for without reading layers; undefined where only reading all of it can tell.
   * An image that is `known` whole is handed over as nothing. Throws as readImages does for what is asked for.
   */
  surveyImages?(
    references: readonly Reference[],
    known: Pick<LayerSink, 'hasLayer' | 'findConfig'>,
    options?: ReadImagesOptions,
  ): Promise<readonly SurveyedImage[] | undefined>;
  /** Gives back sockets and file handles. */
  close(): Promise<void>;
}
