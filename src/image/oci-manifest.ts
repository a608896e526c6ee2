/** OCI image manifests and indexes, and docker's, which have the same shape (OCI image-spec, manifest.md, image-index.md). */
import { z } from 'zod';
import { parseForeignJson } from './foreign-json.ts';
import { type OciDescriptor, ociDescriptorSchema, toOciDescriptor } from './oci-descriptor.ts';

/** A manifest, or an index of manifests and further indexes. */
export type OciDocument =
  | { readonly kind: 'index'; readonly manifests: readonly OciDescriptor[] }
  | { readonly kind: 'manifest'; readonly config: OciDescriptor; readonly layers: readonly OciDescriptor[] };

const descriptorsSchema = z.array(ociDescriptorSchema).nullish();
const indexSchema = z.object({ manifests: descriptorsSchema });
const manifestSchema = z.object({ config: ociDescriptorSchema, layers: descriptorsSchema });
const documentSchema = z.union([manifestSchema, z.object({ manifests: z.array(ociDescriptorSchema) })], {
  error: 'it is neither an image manifest nor an index',
});

/** The index in `bytes`, which `what` names in messages. Throws archive-corrupt. */
export function parseOciIndex(bytes: Uint8Array, what: string): readonly OciDescriptor[] {
  const { manifests } = parseForeignJson(bytes, indexSchema, what);
  return (manifests ?? []).map((value) => toOciDescriptor(value, what));
}

/** The manifest or index in `bytes`, told apart by shape, for not all writers name media types. Throws archive-corrupt. */
export function parseOciDocument(bytes: Uint8Array, what: string): OciDocument {
  const document = parseForeignJson(bytes, documentSchema, what);
  if ('manifests' in document) {
    return { kind: 'index', manifests: document.manifests.map((value) => toOciDescriptor(value, what)) };
  }
  return {
    kind: 'manifest',
    config: toOciDescriptor(document.config, what),
    layers: (document.layers ?? []).map((value) => toOciDescriptor(value, what)),
  };
}
