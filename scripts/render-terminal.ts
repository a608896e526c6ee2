/** Draws what a terminal showed as an SVG picture: text that is sharp at any size, and that git can compare. */

const font = { size: 14, width: 8.4, lineHeight: 20 };
const frame = { side: 18, top: 46, bottom: 18 };

/** The picture of `text`, in which lines that start with `$ ` were typed. */
export function renderTerminal(text: string): string {
  const lines = text.trimEnd().split('\n');
  const columns = Math.max(...lines.map((line) => line.length));
  const width = Math.ceil(columns * font.width + 2 * frame.side);
  const height = frame.top + lines.length * font.lineHeight + frame.bottom;
  const buttons = ['#ff5f57', '#febc2e', '#28c840'].map(
    (color, index) => `<circle cx="${22 + index * 20}" cy="22" r="6" fill="${color}"/>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>A terminal with bundlefs plan, build and why</title>
<rect width="${width}" height="${height}" rx="10" fill="#1d2330"/>
${buttons.join('')}
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${font.size}" fill="#d7dde8" xml:space="preserve">
${lines
  .map(renderLine)
  .filter((line) => line !== '')
  .join('\n')}
</g>
</svg>
`;
}

/** Each run of words has its own place and width, so that columns stand below each other in any font. */
function renderLine(line: string, row: number): string {
  const y = frame.top + row * font.lineHeight + font.size;
  const isTyped = line.startsWith('$ ');
  return [...line.matchAll(/\S+(?: \S+)*/g)]
    .map(({ 0: words, index }) => {
      const x = round(frame.side + index * font.width);
      const style = isTyped ? ' fill="#8fd3a5" font-weight="bold"' : '';
      return `<text x="${x}" y="${y}" textLength="${round(words.length * font.width)}"${style}>${escape(words)}</text>`;
    })
    .join('');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
