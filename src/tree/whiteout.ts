/** Whiteouts: the names by which a layer says that something of the layers below is gone (OCI image-spec, layer.md). */

export type Whiteout =
  /** The path, and all below it, is gone. */
  | { readonly kind: 'remove'; readonly path: string }
  /** All that lower layers have in the folder at the path is gone; the folder stays. */
  | { readonly kind: 'empty'; readonly path: string }
  /** What AUFS left behind (`.wh..wh.plnk`): it stands for nothing. */
  | { readonly kind: 'ignore'; readonly path: string };

/** What the name of a whiteout starts with. */
export const whiteoutPrefix = '.wh.';
/** The whiteout that hides all that lower layers have in its folder. */
export const opaqueName = '.wh..wh..opq';

/** What `path` of a layer says of the layers below, or undefined where it is an ordinary name, as `a.wh.b` is. */
export function findWhiteout(path: string): Whiteout | undefined {
  const slash = path.lastIndexOf('/');
  const name = path.slice(slash + 1);
  const folder = slash < 0 ? '' : path.slice(0, slash);
  if (!name.startsWith(whiteoutPrefix) || name === whiteoutPrefix) return undefined;
  if (name === opaqueName) return { kind: 'empty', path: folder };
  if (name.startsWith(`${whiteoutPrefix}${whiteoutPrefix}`)) return { kind: 'ignore', path };
  const hidden = name.slice(whiteoutPrefix.length);
  return { kind: 'remove', path: folder === '' ? hidden : `${folder}/${hidden}` };
}
