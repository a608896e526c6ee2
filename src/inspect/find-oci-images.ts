/** The images of an OCI layout in an archive, and what is wrong with it. */
import { type Digest, hexOf } from '../digest.ts';
import { isAttestation, type OciDescriptor } from '../image/oci-descriptor.ts';
import { parseOciDocument, parseOciIndex } from '../image/oci-manifest.ts';
import type { NamedImage } from './list-images.ts';
import type { MemberScan } from './scan-members.ts';

/** Where an OCI layout has a blob (image-spec, image-layout.md). */
export function blobPath(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

/** The images that index.json leads to, whose manifests are there; undefined without index.json. Throws archive-corrupt. */
export function findOciImages(scan: MemberScan, label: string): NamedImage[] | undefined {
  const index = scan.find('index.json')?.document;
  if (index === undefined) return undefined;
  const images = new Map<Digest, NamedImage>();
  const visit = (descriptor: OciDescriptor, inherited: string | undefined): void => {
    const document = scan.find(blobPath(descriptor.digest))?.document;
    if (document === undefined || isAttestation(descriptor)) return;
    const { annotations } = descriptor;
    const name =
      annotations['io.containerd.image.name'] ??
      annotations['org.opencontainers.image.ref.name'] ??
      inherited;
    const parsed = parseOciDocument(document, `"${blobPath(descriptor.digest)}" in ${label}`);
    if (parsed.kind === 'index') {
      for (const inner of parsed.manifests) visit(inner, name);
      return;
    }
    const known = images.get(parsed.config.digest);
    images.set(parsed.config.digest, {
      names: [...(known?.names ?? []), ...(name === undefined ? [] : [name])],
      configName: blobPath(parsed.config.digest),
      layerNames: parsed.layers.map((layer) => blobPath(layer.digest)),
    });
  };
  for (const descriptor of parseOciIndex(index, `"index.json" in ${label}`)) visit(descriptor, undefined);
  return [...images.values()];
}

/** What index.json names at its top and what is not there: one line each. Platforms inside an index may be left out. */
export function findOciFaults(scan: MemberScan, label: string): string[] {
  const index = scan.find('index.json')?.document;
  if (index === undefined) return [];
  const missing = (what: string, digest: Digest): string[] =>
    scan.find(blobPath(digest)) === undefined ? [`index.json: ${what} ${digest} is not in the archive`] : [];
  return parseOciIndex(index, `"index.json" in ${label}`).flatMap((descriptor) => {
    const document = scan.find(blobPath(descriptor.digest))?.document;
    if (document === undefined) return missing('manifest', descriptor.digest);
    const parsed = parseOciDocument(document, `"${blobPath(descriptor.digest)}" in ${label}`);
    if (parsed.kind === 'index') return [];
    return [
      ...missing('config', parsed.config.digest),
      ...parsed.layers.flatMap((layer) => missing('layer', layer.digest)),
    ];
  });
}
