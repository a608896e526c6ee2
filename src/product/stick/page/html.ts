/** HTML put together so that nothing interpolated can become markup. */

/** Markup that is safe to stand in a page. Made by `html` only. */
export class Markup {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get text(): string {
    return this.#text;
  }
}

/** What may be interpolated: text and numbers, which are escaped; markup and lists of it, which stand as they are; nothing. */
export type Interpolated = string | number | Markup | undefined | false | readonly Interpolated[];

/** A template of markup. Values are escaped for text and for quoted attributes; attributes must be quoted. */
export function html(strings: TemplateStringsArray, ...values: readonly Interpolated[]): Markup {
  return new Markup(strings.map((text, index) => text + escapeValue(values[index])).join(''));
}

/** The page as text, ended by a line feed. */
export function toHtml(markup: Markup): string {
  return `${markup.text.trim()}\n`;
}

function escapeValue(value: Interpolated): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(escapeValue).join('');
  return escapeText(String(value));
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Control characters and characters that change the direction of writing are shown as U+FFFD: they could hide what a name is. */
function escapeText(text: string): string {
  return text
    .replace(/(?![\t\n])\p{Cc}|\p{Bidi_Control}/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
