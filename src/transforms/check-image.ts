/** What no layer can be made of: names that say something else there, and images for other systems than Linux. */
import { BundleError } from '../ground/errors.ts';
import { readImagePlatform } from '../image/image-config.ts';
import type { Image } from '../image/image.ts';
import { type TreeNode, walkTree } from '../format/tree/tree.ts';
import { whiteoutPrefix } from '../format/tree/whiteout.ts';
import { familiarName } from '../image/reference.ts';

/** Throws archive-unsupported where something in `tree` is named as whiteouts are; `what` names the image. */
export function checkNames<Layer>(tree: TreeNode<Layer>, what: string): void {
  for (const [path] of walkTree(tree)) {
    if (!path.slice(path.lastIndexOf('/') + 1).startsWith(whiteoutPrefix)) continue;
    throw new BundleError(
      'archive-unsupported',
      `Cannot make a layer of ${what}: "${path}" is a file there, and in a layer that name says that another file is gone`,
    );
  }
}

/** Throws archive-unsupported where `image` is not for Linux: layers for Windows have other rules. */
export function checkSystem(image: Image): void {
  const { os } = readImagePlatform(image.config);
  if (os === 'linux' || os === '') return;
  throw new BundleError(
    'archive-unsupported',
    `Cannot make a layer of ${describeSource(image)}: it is for ${os}, only layers for linux are understood`,
  );
}

/** `"shop/web:1"`, or by its id where it has no name. */
export function describeSource({ tags, configDigest }: Image): string {
  return `"${tags[0] === undefined ? configDigest : familiarName(tags[0])}"`;
}
