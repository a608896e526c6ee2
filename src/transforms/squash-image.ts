/** Squashes images: one layer in place of the upper ones, or of all. */
import type { Workshop } from '../bundle/prepare-bundle.ts';
import { type DiffId, hexOf } from '../ground/digest.ts';
import { BundleError } from '../ground/errors.ts';
import { createImage, type Image } from '../image/image.ts';
import { mergeLayer } from '../inspect/contents/compare-files.ts';
import { createTree, findNode, isFolder, type TreeNode } from '../format/tree/tree.ts';
import { checkNames, checkSystem, describeSource } from './check-image.ts';
import { findMade, keepMade } from './made-images.ts';
import { openLayers, type OpenLayers } from './open-layers.ts';
import { planLayer } from './plan-layer.ts';
import { reworkConfig } from './rework-config.ts';
import { verifySame } from './verify-same.ts';
import { writeLayer } from './write-layer.ts';
import type { SquashedLayers } from './transform.ts';

/** A layer in its place: one diffId may occur several times in an image. */
interface Depth {
  readonly diffId: DiffId;
}

/**
 * The image that shows what `image` shows, whose lowest `keptCount` layers are those of `image` and whose only other one
 * has the rest. Its name and the order of its tags are for the caller to give. Throws invalid-argument where nothing is
 * to squash, archive-unsupported for what no layer can say.
 */
export async function squashImage(image: Image, keptCount: number, workshop: Workshop): Promise<Image> {
  checkSystem(image);
  checkCount(image, keptCount);
  const making = { squash: image.configDigest, keptCount };
  const known = await findMade(making, workshop.sink);
  if (known !== undefined) return known;
  await using layers = await openLayers(workshop);
  const diffId = await addSquashedLayer(image, keptCount, workshop, layers);
  const squashed = makeImage(image, keptCount, diffId);
  await workshop.settle();
  await verifySame(layers, image.layers, squashed.layers, { what: describeSource(image) });
  await keepMade(making, squashed, workshop.sink);
  return squashed;
}

function checkCount(image: Image, keptCount: number): void {
  const { length } = image.layers;
  const count = length - keptCount;
  if (count > 1) return;
  const found =
    length < 2
      ? `it has ${length === 1 ? 'one layer' : 'no layer'}`
      : `${count} of its ${length} layers would become one`;
  throw new BundleError(
    'invalid-argument',
    `Cannot squash ${describeSource(image)}: ${found}, two or more were expected`,
    { hint: 'At least two layers are squashed; without --last and --from-layer, all are.' },
  );
}

async function addSquashedLayer(
  image: Image,
  keptCount: number,
  { sink }: Workshop,
  { library, open }: OpenLayers,
): Promise<DiffId> {
  const depths: Depth[] = image.layers.map((diffId) => ({ diffId }));
  const kept = new Set(depths.slice(0, keptCount));
  const merge = async (chosen: readonly Depth[]): Promise<TreeNode<Depth>> => {
    const tree = createTree<Depth>();
    for (const depth of chosen) await mergeLayer(library, tree, depth.diffId, depth);
    return tree;
  };
  const target = await merge(depths);
  const base = await merge([...kept]);
  checkNames(target, describeSource(image));
  const parts = planLayer({
    base,
    target,
    isNew: createIsAbove(base, kept),
    layers: await Promise.all(
      depths.map(async (depth) => [depth, await library.listMembers(depth.diffId)] as const),
    ),
  });
  const { diffId } = await sink.addLayer(
    writeLayer(parts, ({ diffId }) => open(diffId)),
    { label: `the squashed layer of ${describeSource(image)}` },
  );
  return diffId;
}

function makeImage(image: Image, keptCount: number, diffId: DiffId): Image {
  const count = image.layers.length - keptCount;
  const config = reworkConfig(image.config, {
    layers: [...image.layers.slice(0, keptCount), diffId],
    step: {
      createdBy: 'bundlefs squash',
      comment: `${count} layers of ${image.configDigest} in one`,
    },
  });
  return createImage(config, image.tags);
}

/**
 * Throws invalid-argument where `layers` names none, or several, of `image`. Of images that a pattern means, numbers go
 * as far as there are layers.
 */
export function countKept(image: Image, layers: SquashedLayers | undefined, isOneOfMany = false): number {
  if (layers === undefined) return 0;
  const { length } = image.layers;
  if (isOneOfMany && 'last' in layers) return Math.max(0, length - layers.last);
  if (isOneOfMany && 'from' in layers && typeof layers.from === 'number')
    return Math.min(length, layers.from - 1);
  if ('last' in layers) {
    if (layers.last > length) throw cannotFind(image, `the last ${layers.last} were asked for`);
    return length - layers.last;
  }
  const { from } = layers;
  if (typeof from === 'number') {
    if (from < 1 || from > length) throw cannotFind(image, `number ${from} was asked for`);
    return from - 1;
  }
  const prefix = from.replace(/^sha256:/, '');
  const found = image.layers.flatMap((diffId, index) => (hexOf(diffId).startsWith(prefix) ? [index] : []));
  const [first] = found;
  if (first === undefined || found.length > 1) {
    throw cannotFind(image, `${found.length === 0 ? 'none' : 'several'} of them start with "${from}"`);
  }
  return first;
}

function cannotFind(image: Image, why: string): BundleError {
  const lines = image.layers.map((diffId, index) => `${index + 1}  ${diffId}`);
  return new BundleError(
    'invalid-argument',
    `Cannot squash ${describeSource(image)}: it has ${image.layers.length} layers, and ${why}`,
    { hint: ['They are, from the lowest up:', ...lines] },
  );
}

/** Says so of the nodes of a tree that was made of `base`, the merged tree of the layers `kept`, and others above these. */
export function createIsAbove<Layer>(
  base: TreeNode<Layer>,
  kept: ReadonlySet<Layer>,
): (path: string, node: TreeNode<Layer>) => boolean {
  return (path, { place }) => {
    if (place !== undefined) return !kept.has(place.layer);
    const before = findNode(base, path);
    // A folder that has no member any more was replaced by something, and that by another folder.
    return before === undefined || !isFolder(before) || before.place !== undefined;
  };
}
