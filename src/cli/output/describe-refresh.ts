/** What came of a refresh, in a few words. */
import type { RefreshRecord } from '../../mount/control/status.ts';
import { formatDuration, formatSize } from '../../ground/format-text.ts';

/** `new generation 3 in 12 s, 4.5 MB newly encoded`, without the images that are different. */
export function describeRefresh({ result, generation, seconds, encodedSize }: RefreshRecord): string {
  const time = formatDuration(seconds);
  switch (result) {
    case 'published':
      return `new generation ${generation} in ${time}, ${formatSize(encodedSize)} newly encoded`;
    case 'unchanged':
      return `nothing new in ${time}, generation ${generation} stays`;
    case 'failed':
      return `FAILED after ${time}, generation ${generation} stays`;
  }
}
