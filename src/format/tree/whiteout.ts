/** Whiteouts: the names by which a layer says that something of the layers below is gone (OCI image-spec, layer.md). */

export type Whiteout =
  /** The path, and all below it, is gone. */
  | { readonly kind: 'remove'; readonly path: string }
  /** All that lower layers have in the folder at the path is gone; the folder stays. */
  | { readonly kind: 'empty'; readonly path: string }
  /** What aufs left behind (`.wh..wh.aufs`, what lies in `.wh..wh.orph`): it stands for nothing. */
  | { readonly kind: 'ignore'; readonly path: string };

/** What the name of a whiteout starts with. */
export const whiteoutPrefix = '.wh.';
/** The whiteout that hides all that lower layers have in its folder. */
export const opaqueName = '.wh..wh..opq';

/** The folder in which aufs kept files with several names, below the root; links of the same layer point to them. */
export const aufsLinks = '.wh..wh.plnk';
const aufsPrefix = '.wh..wh.';

/** What `path` of a layer says of the layers below, or undefined where it is an ordinary name, as `a.wh.b` is. */
export function findWhiteout(path: string): Whiteout | undefined {
  const slash = path.lastIndexOf('/');
  const name = path.slice(slash + 1);
  const folder = slash < 0 ? '' : path.slice(0, slash);
  const [first = ''] = path.split('/', 1);
  if (first.startsWith(aufsPrefix) && path !== opaqueName && !path.startsWith(`${aufsLinks}/`))
    return { kind: 'ignore', path };
  if (!name.startsWith(whiteoutPrefix) || name === whiteoutPrefix) return undefined;
  if (name === opaqueName) return { kind: 'empty', path: folder };
  if (name.startsWith(`${whiteoutPrefix}${whiteoutPrefix}`)) return { kind: 'ignore', path };
  const hidden = name.slice(whiteoutPrefix.length);
  return { kind: 'remove', path: folder === '' ? hidden : `${folder}/${hidden}` };
}
