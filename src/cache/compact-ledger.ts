/** Takes out of a ledger what it knows of things that are gone. */
import type { FactKind, Ledger } from './ledger.ts';

/** The names of what a cache has, as facts name them: keys, diffIds and digests in hex. */
export interface CacheContents {
  readonly blocks: ReadonlyMap<string, ReadonlySet<string>>;
  readonly frames: ReadonlyMap<string, ReadonlySet<string>>;
  readonly layers: ReadonlyMap<string, ReadonlySet<string>>;
  readonly images: ReadonlySet<string>;
  readonly recipes: ReadonlySet<string>;
}

export async function compactLedger(ledger: Ledger, contents: CacheContents): Promise<void> {
  const kinds: [FactKind, ReadonlySet<string>][] = [
    ['images', contents.images],
    ['recipes', contents.recipes],
    ['checks', contents.recipes],
  ];
  for (const kind of ['blocks', 'frames', 'layers'] as const) {
    for (const [name, there] of contents[kind]) kinds.push([`${kind}-${name}`, there]);
  }
  for (const [kind, there] of kinds) await ledger.compact(kind, (name) => there.has(name));
}
