/** Why the blocks of a layer had to be encoded: what each file in them is, compared with the layer that was there before. */
import type { DiffId } from '../../ground/digest.ts';
import type { LayerMember } from '../../format/tar/layer-member.ts';
import type { ContentPlace } from '../../format/tree/tree.ts';
import { attributeMembers, type LayerRange } from './attribute-blocks.ts';
import type { LayerLibrary } from '../contents/layer-library.ts';

/**
 * `new`: the earlier layer has no such path. `content`, `metadata` (kind, mode, owner, link target, xattrs) and `times`:
 * what is different, the first that applies. `neighbour`: nothing; it lies in one piece with something that is.
 */
export type EncodeReason = 'new' | 'content' | 'metadata' | 'times' | 'neighbour';

export interface ExplainedFile {
  readonly path: string;
  readonly kind: LayerMember['kind'];
  readonly size: number;
  /** Bytes of it, with headers and padding, that lie in encoded blocks. */
  readonly encodedSize: number;
  readonly reason: EncodeReason;
}

export interface ExplainedFiles {
  /** Most encoded bytes first. */
  readonly files: readonly ExplainedFile[];
  /** Paths of the earlier layer that are gone: a piece without them is another piece. */
  readonly removed: readonly string[];
}

/** Explains the encoded `ranges` of `layer` by comparison with `earlier`, where there is one. Throws as the library does. */
export async function explainLayer(
  library: LayerLibrary,
  layer: DiffId,
  ranges: readonly LayerRange[],
  earlier: DiffId | undefined,
): Promise<ExplainedFiles> {
  const members = await library.listMembers(layer);
  const before = indexMembers(earlier === undefined ? [] : await library.listMembers(earlier));
  const attributed = attributeMembers(members, ranges);
  const placeOf = (diffId: DiffId, { contentPosition, size }: LayerMember): ContentPlace<DiffId> => ({
    layer: diffId,
    position: contentPosition,
    size,
  });
  const pairs = attributed.flatMap(({ member }) => {
    const old = before.get(member.path);
    if (old === undefined || earlier === undefined || !mayBeSame(old, member)) return [];
    const places = [placeOf(earlier, old), placeOf(layer, member)] as const;
    const names = places.map((place) => library.nameContent(place));
    return names[0] !== undefined && names[0] === names[1] ? [] : [{ member, places }];
  });
  await library.readContents(pairs.flatMap(({ places }) => places));
  const differing = new Set(
    pairs
      .filter(({ places: [a, b] }) => library.digestOf(a) !== library.digestOf(b))
      .map(({ member }) => member),
  );
  const files = attributed.map(({ member, encodedSize }): ExplainedFile => {
    const reason = differing.has(member) ? 'content' : findReason(before.get(member.path), member);
    return { path: member.path, kind: member.kind, size: member.size, encodedSize, reason };
  });
  const paths = new Set(members.map((member) => member.path));
  return {
    files: files.sort((a, b) => b.encodedSize - a.encodedSize || (a.path < b.path ? -1 : 1)),
    removed: [...before.keys()].filter((path) => !paths.has(path)),
  };
}

/** The last one of a path counts. */
function indexMembers(members: readonly LayerMember[]): Map<string, LayerMember> {
  return new Map(members.map((member) => [member.path, member]));
}

/** Whether only their bytes can tell. */
function mayBeSame(a: LayerMember, b: LayerMember): boolean {
  return a.kind === 'file' && b.kind === 'file' && a.size === b.size && a.size > 0;
}

/** The reason, content of one size aside. */
function findReason(before: LayerMember | undefined, member: LayerMember): EncodeReason {
  if (before === undefined) return 'new';
  if (before.kind === 'file' && member.kind === 'file' && before.size !== member.size) return 'content';
  if (describeMetadata(before) !== describeMetadata(member)) return 'metadata';
  return before.mtime === member.mtime ? 'neighbour' : 'times';
}

function describeMetadata({ kind, mode, uid, gid, target, device, xattrs }: LayerMember): string {
  return JSON.stringify([kind, mode, uid, gid, target, device, [...xattrs].sort()]);
}
