/** The size that a PAX extended header gives the member that follows it: what the member's own header says may be nothing. */
import { largestPaxSize, parsePaxNumber, parsePaxRecords } from '../format/tar/pax-records.ts';
import type { ScannedHeader } from '../format/tar/scan-tar-header.ts';

/** Told of every member in the order of a layer. */
export interface ExtendedSize {
  /** The content size of the member of `header`, which begins now: its own, or what was said before. */
  begin(header: ScannedHeader): number;
  /** Gives the next bytes of the member's content and padding; keeps those of extended headers. */
  take(part: Uint8Array): void;
}

const sizeRecord = Buffer.from(' size=');

export function createExtendedSize(): ExtendedSize {
  /** Content of the extended header that is passing. */
  let parts: Uint8Array[] | undefined;
  let contentSize = 0;
  let said: number | undefined;

  const endExtension = (): void => {
    if (parts === undefined) return;
    const content = Buffer.concat(parts).subarray(0, contentSize);
    const records = content.includes(sizeRecord) ? parsePaxRecords(content) : undefined;
    said = parsePaxNumber(records?.get('size'));
    parts = undefined;
  };
  return {
    begin(header) {
      endExtension();
      if (header.type === 'x') {
        contentSize = header.contentSize;
        if (contentSize <= largestPaxSize) parts = [];
        said = undefined;
        return contentSize;
      }
      if ('gLK'.includes(header.type)) return header.contentSize;
      const size = header.isHeaderOnly ? 0 : (said ?? header.contentSize);
      said = undefined;
      return size;
    },
    take(part) {
      parts?.push(part);
    },
  };
}
