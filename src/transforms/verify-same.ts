/** The check before anything made here is handed out: both images are merged from their layers, and compared. */
import type { DiffId } from '../ground/digest.ts';
import { BundleError } from '../ground/errors.ts';
import { compareMergedTrees, mergeLayers } from '../inspect/contents/compare-files.ts';
import { isFolder, type TreeNode, walkTree } from '../format/tree/tree.ts';
import type { OpenLayers } from './open-layers.ts';

export interface VerifySameOptions {
  /** The image, for messages. */
  readonly what: string;
  /** Whether times may differ. */
  readonly ignoreMtime?: boolean;
}

/**
 * Throws bundle-corrupt where the layers `made` do not show every path, its metadata, content and hardlinks as
 * `original` do. It is a fault of this program then, and the result is not used.
 */
export async function verifySame(
  { library }: Pick<OpenLayers, 'library'>,
  original: readonly DiffId[],
  made: readonly DiffId[],
  { what, ignoreMtime = false }: VerifySameOptions,
): Promise<void> {
  const [a, b] = [await mergeLayers(library, original), await mergeLayers(library, made)];
  const changes = (await compareMergedTrees(library, a, b)).filter(
    (change) =>
      !ignoreMtime ||
      change.kind !== 'changed' ||
      change.differences.some((difference) => difference !== 'times'),
  );
  const path = changes[0]?.path ?? findOtherLink(a, b);
  if (path === undefined) return;
  throw new BundleError(
    'bundle-corrupt',
    `Cannot make another image of ${what}: "${path}" would not be the same in it`,
    { hint: 'This is a fault of bundlefs itself; please report it. Nothing was made.' },
  );
}

/** A path that is linked to others in one tree than in the other. */
function findOtherLink(a: TreeNode<DiffId>, b: TreeNode<DiffId>): string | undefined {
  const [one, other] = [firstNames(a), firstNames(b)];
  for (const [path, first] of one) if (other.get(path) !== first) return path;
  return undefined;
}

/** For each name of a file that is not a folder, the first of that file's names. */
function firstNames(tree: TreeNode<DiffId>): Map<string, string> {
  const names = new Map<string, string>();
  const firsts = new Map<unknown, string>();
  for (const [path, node] of walkTree(tree)) {
    if (node.entry === undefined || isFolder(node)) continue;
    const first = firsts.get(node.entry) ?? path;
    firsts.set(node.entry, first);
    names.set(path, first);
  }
  return names;
}
