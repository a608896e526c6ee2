/** Dates as the page writes them: the same on every host, whatever its languages and time zone. */

const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** `25 November 2026` in UTC, or nothing for what is no date or from before there were images (builders write 0 or 1980). */
export function formatDate(text: string): string | undefined {
  const date = new Date(text);
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1990) return undefined;
  return `${date.getUTCDate()} ${months[date.getUTCMonth()] ?? ''} ${date.getUTCFullYear()}`;
}

/** `25 November 2026, 10:28 UTC`. */
export function formatMoment(text: string): string | undefined {
  const day = formatDate(text);
  return day && `${day}, ${new Date(text).toISOString().slice(11, 16)} UTC`;
}
