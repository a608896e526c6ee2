/** SHA256SUMS, as sha256sum writes it. */
import { type Digest, findDigestOfHex } from '../../ground/digest.ts';

/** The digests in `text` by name, or undefined where it is not a list of sums of plain files beside it. */
export function parseSums(text: string): ReadonlyMap<string, Digest> | undefined {
  const sums = new Map<string, Digest>();
  for (const line of text.split(/\r?\n/)) {
    if (line === '') continue;
    const [, hex = '', name = ''] = /^([0-9a-f]{64}) [ *]([A-Za-z0-9][A-Za-z0-9._-]*)$/.exec(line) ?? [];
    const digest = findDigestOfHex(hex);
    if (digest === undefined || sums.has(name)) return undefined;
    sums.set(name, digest);
  }
  return sums;
}
