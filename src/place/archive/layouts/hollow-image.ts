/** What to do about an image of which an engine has only the name: moby#49473. */

/**
 * The hint for `image`, a name, of which a config or a layer is not in an archive or an export. Containerd image stores do
 * not download what is unpacked for other images already, save without it, and report success (moby
 * daemon/containerd/image_exporter.go, "WithSkipMissing"). Pulling again changes nothing while those others are there:
 * measured with docker 26.1 and 28.5.
 */
export function hollowImageHint(image: string): string[] {
  return [
    'The engine never downloaded all of it, and docker save reports success all the same: containerd image stores skip',
    'layers that are unpacked for other images already (https://github.com/moby/moby/issues/49473). Pulling it again',
    'helps only once all images that share layers with it are removed there. Or go past that engine:',
    `  skopeo copy docker://${image} docker-archive:images.tar:${image}, and --from images.tar`,
  ];
}
