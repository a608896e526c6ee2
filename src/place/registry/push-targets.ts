/** What images are to be called in the registry that they are pushed to. */
import type { Digest } from '../../ground/digest.ts';
import { BundleError } from '../../ground/errors.ts';
import { describeImage, type Image } from '../../image/image.ts';
import { familiarName } from '../../image/reference.ts';
import { formatRepository, parseRegistryPlace, splitRepository } from './registry-place.ts';

export interface PushTarget {
  readonly image: Image;
  /** Of the repository: `team/shop/web`. */
  readonly path: string;
  readonly tag: string;
  /** The whole name: `registry.example:5000/team/shop/web:1`. */
  readonly name: string;
}

export interface PushPlace {
  readonly host: string;
  /** A target for each name of each of `images`. Throws invalid-argument. */
  listTargets(images: readonly Image[]): PushTarget[];
}

/**
 * Parses where to push to (docs/decisions/0087): `docker://HOST/PATH` takes images below PATH, under the names that they
 * have, without the registry that they came from; with a tag behind it, it is the name of the one image. Throws
 * invalid-argument, invalid-reference.
 */
export function parsePushPlace(text: string): PushPlace {
  const place = parseRegistryPlace(text);
  if (place.kind === 'registry') return placeBelow(place.host, place.prefix);
  const { reference } = place;
  const { host, path } = splitRepository(reference.repository);
  if (reference.kind === 'digest') {
    throw new BundleError(
      'invalid-argument',
      `Cannot push to "${text}": a digest is not a name that can be given`,
      {
        hint: `Give it a tag: docker://${formatRepository({ host, path })}:TAG`,
      },
    );
  }
  const hasTag = /:[^/]*$/.test(text.slice('docker://'.length));
  return hasTag
    ? { host, listTargets: (images) => [onlyTarget(images, text, { host, path, tag: reference.tag })] }
    : placeBelow(host, `${path}/`);
}

function placeBelow(host: string, prefix: string): PushPlace {
  return {
    host,
    listTargets(images) {
      const targets = images.flatMap((image) => {
        if (image.tags.length === 0) throw nameless(image);
        return image.tags.map((tag) => targetOf(image, tag, host, prefix));
      });
      checkNames(targets);
      return targets;
    },
  };
}

function targetOf(image: Image, name: string, host: string, prefix: string): PushTarget {
  const colon = name.lastIndexOf(':');
  const tag = name.slice(colon + 1);
  const own = splitRepository(name.slice(0, colon));
  const isHub = host === 'docker.io' && prefix === '';
  const path = `${prefix}${isHub ? own.path : own.host === 'docker.io' ? familiarName(name.slice(0, colon)) : own.path}`;
  return { image, path, tag, name: `${formatRepository({ host, path })}:${tag}` };
}

function onlyTarget(
  images: readonly Image[],
  text: string,
  { host, path, tag }: { readonly host: string; readonly path: string; readonly tag: string },
): PushTarget {
  const [image, ...others] = images;
  if (image !== undefined && others.length === 0) {
    return { image, path, tag, name: `${formatRepository({ host, path })}:${tag}` };
  }
  throw new BundleError(
    'invalid-argument',
    `Cannot push ${images.length} images to "${text}": that is the name of one`,
    {
      hint: `Leave out the tag for all of them to be put below it: docker://${formatRepository({ host, path })}`,
    },
  );
}

function checkNames(targets: readonly PushTarget[]): void {
  const taken = new Map<string, Digest>();
  for (const { name, image } of targets) {
    const other = taken.get(name);
    if (other !== undefined && other !== image.configDigest) {
      throw new BundleError(
        'invalid-argument',
        `Cannot push two images as "${name}": their registries are left out`,
        {
          hint: 'Give one of them another name with --tag-as.',
        },
      );
    }
    taken.set(name, image.configDigest);
  }
}

function nameless(image: Image): BundleError {
  return new BundleError('invalid-argument', `Cannot push ${describeImage(image)}: it has no name`, {
    hint: `Give it one: --tag-as ${describeImage(image)}=NAME:TAG`,
  });
}
