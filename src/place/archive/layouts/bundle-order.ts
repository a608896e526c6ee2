/** Tells a bundle of bundlefs from other archives by its members and their order (docs/format.md, "The bundle tar"). */
import type { TarEntry } from '../../../format/tar/walk-tar.ts';

const lastNames = ['index.json', 'manifest.json', 'oci-layout'];

/** Is given all members of a tar in their order. Others than bundlefs have folders among them, or another order. */
export class BundleOrder {
  #lastCount = 0;
  #isOther = false;

  add({ kind, name }: Pick<TarEntry, 'kind' | 'name'>): void {
    const isBlob = this.#lastCount === 0 && /^blobs\/sha256\/[0-9a-f]{64}$/.test(name);
    if (kind === 'file' && isBlob) return;
    if (kind === 'file' && name === lastNames[this.#lastCount]) this.#lastCount += 1;
    else this.#isOther = true;
  }

  get isBundle(): boolean {
    return !this.#isOther && this.#lastCount === lastNames.length;
  }
}
