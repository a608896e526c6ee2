/** `oci/`: an OCI image layout (image-spec, image-layout.md), whose blobs are the bundle's. */
import { hexOf } from '../../ground/digest.ts';
import { planOciIndex } from '../../plan/plan-oci-index.ts';
import { bytesFile, decodedFile, fixedTimeMs, type ViewBundle, type ViewFile } from './view-file.ts';

/**
 * The folder. Layers are uncompressed and named by their diffId, manifests are those of the bundle: so every digest is
 * known before a byte is read, and whoever copies from here asks the other side first.
 */
export function listOciFiles({ blobs, createdMs, bundle }: ViewBundle): ViewFile[] {
  const sizes = new Map<string, number>();
  for (const blob of blobs) if (blob.kind === 'document') sizes.set(blob.hex, blob.bytes.length);
  const index = planOciIndex(bundle.images, (image) => {
    const digest = bundle.assembled.manifestDigests.get(image.configDigest);
    const size = digest && sizes.get(hexOf(digest));
    if (digest === undefined || size === undefined) throw new RangeError('An image has no manifest');
    return { digest, size };
  });
  return [
    ...blobs.map((blob) =>
      blob.kind === 'layer'
        ? decodedFile(`oci/blobs/sha256/${hexOf(blob.digest)}`, blob.file, blob.digest)
        : bytesFile(`oci/blobs/sha256/${blob.hex}`, blob.bytes, fixedTimeMs),
    ),
    bytesFile('oci/index.json', index, createdMs),
    bytesFile('oci/oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'), fixedTimeMs),
  ];
}

/** The layers, and a SHA256SUMS of them: their digests are their names, so that it costs nothing. */
export function listLayerFiles({ blobs, createdMs }: ViewBundle): ViewFile[] {
  const layers = blobs.filter((blob) => blob.kind === 'layer');
  const sums = layers.map(({ digest }) => `${hexOf(digest)}  ${hexOf(digest)}.tar\n`).join('');
  return [
    ...layers.map(({ digest, file }) => decodedFile(`layers/${hexOf(digest)}.tar`, file, digest)),
    bytesFile('layers/SHA256SUMS', Buffer.from(sums), createdMs),
  ];
}
