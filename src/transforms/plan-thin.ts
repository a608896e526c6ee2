/** Plans a thin image: the layers of an older image, and one with only what differs in the newer one. */
import type { DiffId } from '../ground/digest.ts';
import { BundleError } from '../ground/errors.ts';
import { compareMergedTrees, type FileChange, mergeLayers } from '../inspect/contents/compare-files.ts';
import { readImagePlatform } from '../image/image-config.ts';
import type { Image } from '../image/image.ts';
import { formatPlatform, isSamePlatform } from '../image/platform.ts';
import { findNode, isFolder, type TreeEntry } from '../format/tree/tree.ts';
import { checkNames, checkSystem, describeSource } from './check-image.ts';
import { findRelinked } from './find-relinked.ts';
import { type LayerPart, measureLayer } from './write-layer.ts';
import type { OpenLayers } from './open-layers.ts';
import { planLayer } from './plan-layer.ts';

export interface ThinOptions {
  /** Whether what differs in nothing but its times is taken for the same; it keeps those of the older image. */
  readonly ignoreMtime?: boolean;
}

export interface ThinPlan {
  readonly parts: readonly LayerPart<DiffId>[];
  /** Bytes of the new layer. */
  readonly layerSize: number;
  /** Bytes of the layers that the newer image has above those that both share: what it takes without this. */
  readonly replacedSize: number;
  readonly replacedCount: number;
  /** Paths that differ, as they will be in the layer. */
  readonly changes: ChangeCounts;
}

export interface ChangeCounts {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  /** Of the changed ones, those of which nothing but the times differs: their content is in the layer all the same. */
  readonly touched: number;
}

/** An image of more layers is refused by engines with overlay2 (moby layer/layer_store.go, "maxLayerDepth"). */
const largestDepth = 125;

/** Throws invalid-argument where the two cannot be, archive-unsupported for what no layer can say. */
export async function planThin(
  image: Image,
  on: Image,
  { ignoreMtime = false }: ThinOptions,
  { library, open, sizeOf }: OpenLayers,
): Promise<ThinPlan> {
  checkPair(image, on);
  const before = await mergeLayers(library, on.layers);
  const after = await mergeLayers(library, image.layers);
  checkNames(before, describeSource(on));
  checkNames(after, describeSource(image));
  const found = await compareMergedTrees(library, before, after);
  const changes = ignoreMtime ? found.filter((change) => !isTouched(change)) : found;
  const changed = new Set(changes.filter(({ kind }) => kind !== 'removed').map(({ path }) => path));
  const relinked = findRelinked(before, after, (path) => changed.has(path));
  const parts = planLayer({
    base: before,
    target: after,
    isNew(path, node) {
      if (changed.has(path) || relinked.has(path)) return true;
      const old = findNode(before, path);
      if (path === '' && old?.entry !== undefined && node.entry !== undefined) {
        return isOtherRoot(old.entry, node.entry); // trees are compared below their roots
      }
      // A folder that only one side has a member for: nobody knows whether the other one's is the same.
      return isFolder(node) && (old?.entry === undefined) !== (node.entry === undefined);
    },
    layers: await Promise.all(
      image.layers.map(async (diffId) => [diffId, await library.listMembers(diffId)] as const),
    ),
  });
  const replaced = image.layers.slice(countShared(image, on));
  return {
    parts,
    layerSize: await measureLayer(parts, open),
    replacedSize: (await Promise.all(replaced.map(sizeOf))).reduce((sum, size) => sum + size, 0),
    replacedCount: replaced.length,
    changes: countChanges(changes, relinked.size),
  };
}

function isOtherRoot({ metadata: a }: TreeEntry<DiffId>, { metadata: b }: TreeEntry<DiffId>): boolean {
  return a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid;
}

function checkPair(image: Image, on: Image): void {
  const [wanted, found] = [readImagePlatform(on.config), readImagePlatform(image.config)];
  if (!isSamePlatform(wanted, found)) {
    throw cannotThin(
      image,
      on,
      `it is for ${formatPlatform(found)}, the older one for ${formatPlatform(wanted)}`,
    );
  }
  checkSystem(image);
  if (image.configDigest === on.configDigest) throw cannotThin(image, on, 'they are one image');
  if (on.layers.length >= largestDepth) {
    throw cannotThin(
      image,
      on,
      `the older one has ${on.layers.length} layers, and engines take no more than ${largestDepth}`,
      'Squash it first, or put the new image on the first of the older ones each time, not on the last.',
    );
  }
}

function cannotThin(image: Image, on: Image, why: string, hint?: string): BundleError {
  return new BundleError(
    'invalid-argument',
    `Cannot put ${describeSource(image)} on ${describeSource(on)}: ${why}`,
    hint === undefined ? {} : { hint },
  );
}

/** The error for a plan that saves nothing. */
export function nothingSaved(image: Image, on: Image, { layerSize, replacedSize }: ThinPlan): BundleError {
  return cannotThin(
    image,
    on,
    `that would take a layer of ${layerSize} bytes, and its own layers that the older one does not have take ${replacedSize}`,
    'It is smaller as it is.',
  );
}

/** Whether a plan makes the image smaller than it is for those who have the older one. */
export function isSaving({ layerSize, replacedSize }: ThinPlan): boolean {
  return layerSize < replacedSize;
}

function isTouched(change: FileChange): boolean {
  return change.kind === 'changed' && change.differences.every((difference) => difference === 'times');
}

function countShared(image: Image, on: Image): number {
  const first = image.layers.findIndex((diffId, index) => on.layers[index] !== diffId);
  return first < 0 ? image.layers.length : first;
}

function countChanges(changes: readonly FileChange[], relinked: number): ChangeCounts {
  const count = (kind: FileChange['kind']): number => changes.filter((change) => change.kind === kind).length;
  return {
    added: count('added'),
    changed: count('changed') + relinked,
    removed: count('removed'),
    touched: changes.filter(isTouched).length,
  };
}
