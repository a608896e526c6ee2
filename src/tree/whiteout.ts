/** Whiteouts: the names by which a layer says that something of the layers below is gone (OCI image-spec, layer.md). */

export type Whiteout =
  /** The path, and all below it, is gone. */
  | { readonly kind: 'remove'; readonly path: string }
  /** All that lower layers have in the folder at the path is gone; the folder stays. */
  | { readonly kind: 'empty'; readonly path: string }
  /** What AUFS left behind (`.wh..wh.plnk`): it stands for nothing. */
  | { readonly kind: 'ignore'; readonly path: string };

const prefix = '.wh.';
const opaqueName = '.wh..wh..opq';

/** What `path` of a layer says of the layers below, or undefined where it is an ordinary name, as `a.wh.b` is. */
export function findWhiteout(path: string): Whiteout | undefined {
  const slash = path.lastIndexOf('/');
  const name = path.slice(slash + 1);
  const folder = slash < 0 ? '' : path.slice(0, slash);
  if (!name.startsWith(prefix) || name === prefix) return undefined;
  if (name === opaqueName) return { kind: 'empty', path: folder };
  if (name.startsWith(`${prefix}${prefix}`)) return { kind: 'ignore', path };
  const hidden = name.slice(prefix.length);
  return { kind: 'remove', path: folder === '' ? hidden : `${folder}/${hidden}` };
}
