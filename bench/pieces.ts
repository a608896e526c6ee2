/** Which pieces an archive's layers are cut into, and how much of them is known from another: in bytes of content. */
import { contentKey } from '../src/plan/layout/content-key.ts';
import { cuttingRule } from '../src/plan/cut/cutting-rule.ts';
import { digestOf, finishDigest, startDigest, type DiffId } from '../src/ground/digest.ts';
import type { Piece } from '../src/plan/cut/piece-cutter.ts';
import { openSource } from '../src/place/open-source.ts';

/** Digest of each piece to its size and how often it occurs. */
export type Pieces = Map<string, { readonly size: number; count: number }>;

/** Adds the pieces of one layer. */
export function addPieces(pieces: Pieces, content: readonly Piece[]): void {
  for (const piece of content) {
    const key = contentKey(piece);
    const known = pieces.get(key);
    if (known === undefined) pieces.set(key, { size: piece.size, count: 1 });
    else known.count += 1;
  }
}

/** The pieces of all layers of the archive at `path`. `onLayer` is given each layer's bytes, where it is wanted. */
export async function readPieces(path: string, onLayer?: (layer: Buffer) => void): Promise<Pieces> {
  const pieces: Pieces = new Map();
  const source = await openSource(path, { signal: new AbortController().signal });
  await source.readImages([], {
    hasLayer: () => Promise.resolve(false),
    async addLayer(content) {
      const hash = startDigest();
      const cutter = cuttingRule.createCutter();
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of content) {
        hash.update(chunk);
        size += chunk.length;
        if (onLayer !== undefined) chunks.push(Buffer.from(chunk));
        addPieces(pieces, cutter.push(chunk));
      }
      addPieces(pieces, cutter.end());
      onLayer?.(Buffer.concat(chunks));
      return { diffId: finishDigest(hash) as DiffId, size };
    },
    findConfig: () => Promise.resolve(undefined),
    keepConfig: (_, config) => Promise.resolve(void digestOf(config)),
  });
  await source.close();
  return pieces;
}

/** How much of `pieces` is in `known`, and how much need not be encoded: that, and what occurs again within; 0 to 1. */
export function measureReuse(
  pieces: Pieces,
  known: Pieces,
): { readonly found: number; readonly spared: number } {
  let total = 0;
  let found = 0;
  let spared = 0;
  for (const [key, { size, count }] of pieces) {
    total += size * count;
    if (known.has(key)) found += size * count;
    spared += known.has(key) ? size * count : size * (count - 1);
  }
  return { found: found / total, spared: spared / total };
}
