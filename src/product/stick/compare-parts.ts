/** Which parts of a bundle, and so which discs, must be replaced when another bundle follows it. */
import type { BundleDescription } from '../../bundle/description.ts';

type Part = BundleDescription['parts'][number];

export type PartChange =
  /** Lies there already, under its name. */
  | { readonly kind: 'same'; readonly part: Part }
  /** Lies there already, under another name: give the file or disc its new number. */
  | { readonly kind: 'renamed'; readonly part: Part; readonly from: string }
  /** Must be written, to where the old part of this name was, if there was one. */
  | { readonly kind: 'write'; readonly part: Part; readonly isReplacing: boolean };

export interface PartComparison {
  /** One for each part of the new bundle, in order. */
  readonly changes: readonly PartChange[];
  /** Names of old parts that no new part takes the place of. */
  readonly dropped: readonly string[];
  /** Bytes to be written, and bytes of parts that lie there already. */
  readonly writeSize: number;
  readonly keptSize: number;
}

/** Compares the parts of two bundles by their digests. */
export function compareParts(before: BundleDescription, after: BundleDescription): PartComparison {
  const oldNames = new Set(before.parts.map(({ name }) => name));
  const newNames = new Set(after.parts.map(({ name }) => name));
  const changes = after.parts.map((part): PartChange => {
    const known = before.parts.filter(({ sha256, size }) => sha256 === part.sha256 && size === part.size);
    if (known.some(({ name }) => name === part.name)) return { kind: 'same', part };
    const [source] = known;
    if (source !== undefined) return { kind: 'renamed', part, from: source.name };
    return { kind: 'write', part, isReplacing: oldNames.has(part.name) };
  });
  const used = new Set(changes.flatMap((change) => (change.kind === 'renamed' ? [change.from] : [])));
  const dropped = [...oldNames].filter((name) => !newNames.has(name) && !used.has(name));
  const sizeOf = (isWritten: boolean): number =>
    changes
      .filter(({ kind }) => (kind === 'write') === isWritten)
      .reduce((sum, { part }) => sum + part.size, 0);
  return { changes, dropped, writeSize: sizeOf(true), keptSize: sizeOf(false) };
}
