/** Names what lies in a cache and is none of its files, on standard error. */
import type { CacheSurvey } from '../../cache/upkeep/survey-cache.ts';
import { formatCount } from '../../ground/format-text.ts';
import { warnLines } from '../../ground/print.ts';

const shown = 20;

export function warnOfStrangers({ strangers }: Pick<CacheSurvey, 'strangers'>): void {
  const lines = strangers.slice(0, shown).map(({ path, found }) => `passed over "${path}": it ${found}`);
  if (strangers.length > shown)
    lines.push(`passed over ${formatCount(strangers.length - shown, 'thing')} more`);
  warnLines(lines.map((line) => `bundlefs: ${line}`));
}
