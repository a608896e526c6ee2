/** Manifests that stand for no image: signatures, attestations, SBOMs, charts, modules, files that oras pushed. */
import { BundleError } from '../ground/errors.ts';
import type { OciDescriptor } from './oci-descriptor.ts';

/** OCI image-spec, media-types.md, and docker's own names for the same; case does not matter (RFC 6838 §4.2). */
const documentTypes = /^application\/vnd\.(?:oci\.image|docker\.distribution)\.(?:manifest|index)\b/i;
const configTypes = /^application\/vnd\.(?:oci\.image\.config|docker\.container\.image)\./i;
/** Tars, however they are compressed; encrypted ones are none (OCI image-spec, layer.md; docker's image-v2-2 and older). */
const layerTypes =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.tar|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar|docker\.container\.image\.rootfs\.diff)(?![\w-])(?!.*\bencrypted\b)/i;

/** Whether a blob of this type is a manifest or an index of images; undefined where nobody says what it is. */
export function isImageDocument(mediaType: string | undefined): boolean | undefined {
  return mediaType === undefined || mediaType === '' ? undefined : documentTypes.test(mediaType);
}

/**
 * Why a manifest is that of no image, by the types that it gives its config and layers: `its layer 1 is a text/spdx+json`.
 * Many tools give such manifests an image's config, so both count. Undefined where it may be an image.
 */
export function findManifestFault({
  config,
  layers,
}: {
  readonly config: OciDescriptor;
  readonly layers: readonly OciDescriptor[];
}): string | undefined {
  if (isOther(config, configTypes)) return `its config is "${config.mediaType ?? ''}"`;
  const index = layers.findIndex((layer) => isOther(layer, layerTypes));
  return index < 0 ? undefined : `its layer ${index + 1} is "${layers[index]?.mediaType ?? ''}"`;
}

function isOther({ mediaType }: OciDescriptor, types: RegExp): boolean {
  return mediaType !== undefined && mediaType !== '' && !types.test(mediaType);
}

/** The error for the image that `label` names, which docker does not load, because of `fault`. */
export function cannotLoad(label: string, fault: string): BundleError {
  return new BundleError('config-corrupt', `Cannot take ${label}: ${fault}`, {
    hint: 'Docker refuses it, and with it all images behind it. Build it again, or go on without it: --skip-unloadable',
  });
}

/** The error for what `label` (`shop/web:sha256-….sig of registry …`) names, which is no image, because of `fault`. */
export function noImage(label: string, fault: string): BundleError {
  return new BundleError('image-unsupported', `Cannot take ${label}: it is no image, ${fault}`, {
    hint: 'Signatures, SBOMs, charts and other artifacts cannot be loaded by a container engine. Leave it out, or go on without it: --skip-unloadable',
  });
}
