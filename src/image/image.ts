/** What an image is to bundlefs: its exact config bytes, its ordered layers, its tags. */
import type { DiffId, Digest } from '../ground/digest.ts';

export interface Image {
  /** sha256 of `config`: the image id on engines with graph drivers. */
  readonly configDigest: Digest;
  /** The config blob, byte for byte as the source has it. */
  readonly config: Uint8Array;
  /** The layers from the lowest up, equal to the config's rootfs.diff_ids. May be empty, may repeat. */
  readonly layers: readonly DiffId[];
  /** Fully qualified names with a tag (`docker.io/library/app:2`), sorted, each once. Empty for an untagged image. */
  readonly tags: readonly string[];
  /** Of an untagged image: what its source calls it, a tag without a repository (`2.0`), so that people can tell it from others. */
  readonly refName?: string | undefined;
}
