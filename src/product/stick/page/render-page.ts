/** `index.html`: the page that tells a customer what is on the stick. */
import { createHash } from 'node:crypto';
import { formatCount, formatSize } from '../../../ground/format-text.ts';
import { renderChanges } from './changes-section.ts';
import { renderFiles } from './files-section.ts';
import { formatMoment } from './format-date.ts';
import { html, Markup, toHtml } from './html.ts';
import { renderImages } from './images-section.ts';
import { renderChecking, renderLoading } from './loading-section.ts';
import { createPageModel, type PageInput } from './page-model.ts';
import { pageScript } from './page-script.ts';
import { pageStyle } from './page-style.ts';

/**
 * The whole page: one file that asks the network for nothing, which its own policy forbids as well, and that needs no
 * script for anything it says. Equal input gives equal bytes.
 */
export function renderPage(input: PageInput): string {
  const model = createPageModel(input);
  const { description } = model;
  const { archive, images, created, tool } = description;
  const title = `${formatCount(images.length, 'image')} for Docker`;
  const changes = renderChanges(model);
  const links = [
    ['images', 'The images'],
    ...(changes === undefined ? [] : [['changes', 'What changed']]),
    ['load', 'Load them'],
    ['check', 'Check them'],
    ['files', 'The files'],
  ] as const;
  return toHtml(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <meta name="referrer" content="no-referrer" />
          <meta http-equiv="Content-Security-Policy" content="${policy}" />
          <title>${title}</title>
          <link rel="icon" href="data:," />
          ${styleElement}
        </head>
        <body>
          <header>
            <h1>${title}</h1>
            <p class="lead">
              ${formatSize(archive.size)} here, ${formatSize(archive.tarSize)} unpacked. Made on
              ${formatMoment(created) ?? created} by ${tool}.
            </p>
            <nav aria-label="On this page">
              <ul>
                ${links.map(([id, text]) => html`<li><a href="#${id}">${text}</a></li> `)}
              </ul>
            </nav>
          </header>
          <main>
            ${changes}${renderImages(model)}${renderLoading(description)}${renderChecking(description)}${renderFiles(description)}
          </main>
          ${scriptElement}
        </body>
      </html> `,
  );
}

/** Whole elements, since a space more within them would be another hash. */
const styleElement = new Markup(`<style>${pageStyle}</style>`);
const scriptElement = new Markup(`<script>${pageScript}</script>`);

/** Nothing from anywhere, but for the one style, the one script and the empty icon that stand in the page itself. */
const policy = [
  "default-src 'none'",
  `style-src '${sourceHash(pageStyle)}'`,
  `script-src '${sourceHash(pageScript)}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** Content Security Policy Level 3, §2.3.1 "hash-source". */
function sourceHash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
