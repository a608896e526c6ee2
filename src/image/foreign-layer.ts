/** What is said of a foreign layer that is not where its image is: bundlefs fetches nothing from elsewhere (docs/decisions/0095). */
import { BundleError } from '../ground/errors.ts';

/** The error for the layer that `label` names, which `place` (`archive "images.tar"`) knows only the addresses of. */
export function foreignLayerMissing(label: string, place: string, urls: readonly string[]): BundleError {
  const [first] = urls;
  const offered =
    first === undefined
      ? 'It has no address to fetch it from.'
      : `Its maker offers it at ${first.replace(/[^\x21-\x7e]/g, '?')}`;
  return new BundleError(
    'layer-missing',
    `Cannot take ${label}: it is a foreign layer, which may not be handed out by others, and its bytes are not in ${place}`,
    {
      hint: [
        offered,
        'Where you may pass it on, have it put into an archive, and name that with --from:',
        '  skopeo copy docker://IMAGE docker-archive:images.tar:IMAGE',
      ],
    },
  );
}
