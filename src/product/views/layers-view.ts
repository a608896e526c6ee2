/** `layers/`: each layer as a tar that is named by its diffId. */
import { hexOf } from '../../ground/digest.ts';
import type { ViewBundle } from './view-bundle.ts';
import { bytesFile, decodedFile, type ViewFile } from './view-file.ts';

/** The layers, and a SHA256SUMS of them: their digests are their names, so that it costs nothing. */
export function listLayerFiles({ blobs, createdMs }: ViewBundle): ViewFile[] {
  const layers = blobs.filter((blob) => blob.kind === 'layer');
  const sums = layers.map(({ digest }) => `${hexOf(digest)}  ${hexOf(digest)}.tar\n`).join('');
  return [
    ...layers.map(({ digest, file }) => decodedFile(`layers/${hexOf(digest)}.tar`, file, digest)),
    bytesFile('layers/SHA256SUMS', Buffer.from(sums), createdMs),
  ];
}
