/** Tells from bytes that should be anything whether they went through a text tool. */

/** The hint for bytes that did. */
export const copyAsBinary =
  'Copy the file again without changing it: in binary mode, and not through a text tool or a mail.\n' +
  'In PowerShell, let docker write it: docker save -o images.tar IMAGE...';

/**
 * What has happened to binary data of which `sample` is a part, where its bytes tell: a hint. Random bytes have a line
 * end behind every 256th carriage return, and no replacement characters at all.
 */
export function explainChangedBytes(sample: Uint8Array): string | undefined {
  const letters = Buffer.from(sample).toString('latin1');
  const count = (pattern: RegExp): number => letters.match(pattern)?.length ?? 0;
  if (count(/\xef\xbf\xbd/g) >= 4) {
    return `It was taken for text on its way: what is no letter was replaced. ${copyAsBinary}`;
  }
  const lineEnds = count(/\n/g);
  if (lineEnds < 8 || lineEnds !== count(/\r\n/g)) return undefined;
  return `It was taken for text on its way: every line end has become two bytes. ${copyAsBinary}`;
}
