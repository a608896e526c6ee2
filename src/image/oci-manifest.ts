/** OCI image manifests and indexes, and docker's, which have the same shape (OCI image-spec, manifest.md, image-index.md). */
import * as z from 'zod';
import { goObject, parseForeignJson } from './json/foreign-json.ts';
import {
  type OciDescriptor,
  ociDescriptorSchema,
  readOciDescriptor,
  toOciDescriptor,
  type UnreadableDescriptor,
} from './oci-descriptor.ts';

/** An image, an index of some, or one that cannot be read. */
export type OciIndexEntry = OciDescriptor | UnreadableDescriptor;

/** A manifest, or an index of manifests and further indexes. */
export type OciDocument =
  | { readonly kind: 'index'; readonly manifests: readonly OciIndexEntry[] }
  | { readonly kind: 'manifest'; readonly config: OciDescriptor; readonly layers: readonly OciDescriptor[] };

const indexSchema = goObject({ manifests: z.array(z.unknown()).optional() });
const manifestSchema = goObject({
  config: ociDescriptorSchema,
  layers: z.array(ociDescriptorSchema).optional(),
});
const documentSchema = z.union([manifestSchema, goObject({ manifests: z.array(z.unknown()) })], {
  error: 'it is neither an image manifest nor an index',
});

/** The index in `bytes`, which `what` names in messages. Throws archive-corrupt where it is none; what is wrong in it is each image's. */
export function parseOciIndex(bytes: Uint8Array, what: string): readonly OciIndexEntry[] {
  const { manifests } = parseForeignJson(bytes, indexSchema, what);
  return (manifests ?? []).map((value) => readOciDescriptor(value, what));
}

/** The manifest or index in `bytes`, told apart by shape, for not all writers name media types. Throws archive-corrupt, archive-unsupported. */
export function parseOciDocument(bytes: Uint8Array, what: string): OciDocument {
  const document = parseForeignJson(bytes, documentSchema, what);
  if ('manifests' in document) {
    return { kind: 'index', manifests: document.manifests.map((value) => readOciDescriptor(value, what)) };
  }
  return {
    kind: 'manifest',
    config: toOciDescriptor(document.config, what),
    layers: (document.layers ?? []).map((value) => toOciDescriptor(value, what)),
  };
}
