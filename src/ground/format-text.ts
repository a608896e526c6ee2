/** How numbers and tables are written for people. */
import { showText } from './show-text.ts';

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `812 B`, `1.5 MB`, `23 GB`: powers of 1000, two or three digits. */
export function formatSize(size: number): string {
  let value = size;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit] ?? ''}`;
}

/** `0.4 s`, `12 s`, `3:05`, `1:02:45`. */
export function formatDuration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, '0'))).join(':');
}

/** `0.4 %`, `17 %`; `under 0.1 %` of what is not nothing. */
export function formatShare(share: number): string {
  const percent = 100 * share;
  if (percent > 0 && percent < 0.1) return 'under 0.1 %';
  return `${percent.toFixed(percent < 9.95 ? 1 : 0)} %`;
}

/** `1 block`, `2 blocks`. */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The first `width` characters of `text`, each as it is shown. */
export function shorten(text: string, width: number): string {
  return Array.from(showText(text.slice(0, 2 * width)))
    .slice(0, width)
    .join('');
}

/** The lines of the sections that have any, with an empty line between two. */
export function joinSections(sections: readonly (readonly string[])[]): string[] {
  return sections
    .filter(({ length }) => length > 0)
    .flatMap((lines, index) => [...(index > 0 ? [''] : []), ...lines]);
}

/** Lines of columns separated by two spaces; those whose header starts with `>` are right-aligned. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const titles = header.map((title) => title.replace(/^>/, ''));
  return formatColumns([titles, ...rows], (column) => header[column]?.startsWith('>') === true);
}

/** The same without a line of titles; the columns with these numbers are right-aligned. */
export function formatRows(rows: readonly (readonly string[])[], ...right: readonly number[]): string[] {
  return formatColumns(rows, (column) => right.includes(column));
}

function formatColumns(rows: readonly (readonly string[])[], isRight: (column: number) => boolean): string[] {
  const shown = rows.map((row) => row.map(showText));
  const widths: number[] = [];
  for (const row of shown) {
    for (const [column, { length }] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, length);
  }
  const cell = (text: string, column: number): string =>
    isRight(column) ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0);
  return shown.map((row) => row.map(cell).join('  ').trimEnd());
}

/** `2026-11-25 10:00:00Z (3:05 ago)` for a time in ISO 8601. */
export function formatAgo(time: string, nowMs: number): string {
  const date = new Date(time);
  const text = `${date.toISOString().slice(0, 19).replace('T', ' ')}Z`;
  return `${text} (${formatDuration(Math.max(0, nowMs - date.getTime()) / 1000)} ago)`;
}
