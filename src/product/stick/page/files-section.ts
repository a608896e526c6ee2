/** What each file of the stick is for. */
import { formatSize } from '../../../ground/format-text.ts';
import type { BundleDescription } from '../../../bundle/description.ts';
import { html, type Markup } from './html.ts';

export function renderFiles({ archive, parts }: BundleDescription): Markup {
  const first = parts[0]?.name ?? archive.name;
  const last = parts.at(-1)?.name ?? archive.name;
  const rows: readonly (readonly [string, string])[] = [
    archive.isSplit
      ? [
          `${first} … ${last.slice(archive.name.length)}`,
          `the images: ${formatSize(archive.size)} in ${parts.length} parts`,
        ]
      : [archive.name, `the images: ${formatSize(archive.size)}`],
    ['load.sh', 'checks everything and loads the images'],
    ['verify.sh', 'checks the files alone'],
    ['SHA256SUMS', 'the sums of all other files'],
    ['bundle.json', 'what is here, for programs'],
    ['index.html', 'this page'],
  ];
  return html` <section aria-labelledby="files">
    <h2 id="files">The files</h2>
    <dl class="files">
      ${rows.map(
        ([name, text]) =>
          html`<dt><code>${name}</code></dt>
            <dd>${text}</dd> `,
      )}
    </dl>
  </section>`;
}
