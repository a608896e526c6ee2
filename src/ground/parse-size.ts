/** Sizes as users write them. */

const units: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  K: 2 ** 10,
  KIB: 2 ** 10,
  KB: 1e3,
  M: 2 ** 20,
  MIB: 2 ** 20,
  MB: 1e6,
  G: 2 ** 30,
  GIB: 2 ** 30,
  GB: 1e9,
  T: 2 ** 40,
  TIB: 2 ** 40,
  TB: 1e12,
};

/** Whole bytes of `4095M`, `1.5 GB`, `700MiB`, `20000000`: K, M, G and T are powers of 1024, KB to TB of 1000. Undefined for anything else. */
export function findSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text.trim());
  const unit = units[(match?.[2] ?? '?').toUpperCase()];
  if (match === null || unit === undefined) return undefined;
  const size = Math.floor(Number(match[1]) * unit);
  return Number.isSafeInteger(size) ? size : undefined;
}
