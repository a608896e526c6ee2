/** The few requests and macros that the manual pages need (groff_man(7)). */

/**
 * Text as it is to be read: dashes that can be copied, no line that begins a request, and characters that groff would
 * make typographic ones of spelled out (groff_char(7), "ASCII").
 */
export function escapeText(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll('`', '\\(ga')
    .replaceAll("'", '\\(aq')
    .replaceAll('…', '...')
    .replace(/^\./gm, '\\&.');
}

/** The same as one argument of a macro, where quotation marks end it. */
export function escapeArgument(text: string): string {
  return `"${escapeText(text).replaceAll('"', '\\(dq')}"`;
}

export function section(title: string, ...lines: readonly string[]): string[] {
  const shown = lines.filter((line) => line !== '');
  return shown.length === 0 ? [] : [`.SH ${escapeArgument(title)}`, ...shown];
}

/** `term` in bold, and what it is. */
export function item(term: string, text: string): string[] {
  return ['.TP', `.B ${escapeArgument(term)}`, escapeText(text)];
}

/** Lines that stay as they are. */
export function literal(lines: readonly string[]): string[] {
  return ['.PP', '.nf', '.RS 4', ...lines.map((line) => escapeText(line)), '.RE', '.fi'];
}
