/** What changed since the bundle before. */
import { formatCount, formatSize } from '../../../ground/format-text.ts';
import type { ImageChange } from '../compare-bundles.ts';
import { formatMoment } from './format-date.ts';
import { html, type Markup } from './html.ts';
import { nameOf, type PageModel } from './page-model.ts';

/** Nothing where no bundle before is known. */
export function renderChanges({ previous, comparison, description }: PageModel): Markup | undefined {
  if (previous === undefined || comparison === undefined) return undefined;
  const changed = comparison.changes.filter(({ kind }) => kind !== 'same');
  const sameCount = comparison.changes.length - changed.length;
  const before = formatMoment(previous.created) ?? 'the bundle before';
  return html` <section aria-labelledby="changes">
    <h2 id="changes">What changed</h2>
    <p>
      Since the bundle of ${before}: ${formatSize(comparison.newSize)} of
      ${formatSize(description.archive.size)} is in new layers.
    </p>
    ${
      changed.length > 0 &&
      html`<ul class="changes">
        ${changed.map(renderChange)}
      </ul>`
    }
    <p>
      ${changed.length === 0 ? 'All images are the same as before.' : sameCount > 0 && `${formatCount(sameCount, 'image')} did not change.`}
    </p>
  </section>`;
}

function renderChange(change: ImageChange): Markup {
  switch (change.kind) {
    case 'added':
      return toItem('new', nameOf(change.image), newBytes(change.newSize));
    case 'rebuilt': {
      const [now, before] = [nameOf(change.image), nameOf(change.before)];
      return toItem('rebuilt', now, [now !== before && `was ${before}`, newBytes(change.newSize)]);
    }
    case 'retagged':
      return toItem('retagged', nameOf(change.image), `was ${nameOf(change.before)}, the same image`);
    case 'removed':
      return toItem('removed', nameOf(change.before), 'is not here any more; machines that have it keep it');
    case 'same':
      return toItem('same', nameOf(change.image), '');
  }
}

function toItem(word: string, name: string, notes: string | readonly (string | false)[]): Markup {
  const note = [notes].flat().filter((text) => text !== false && text !== '');
  return html`<li>
    <span class="tag">${word}</span><span><b>${name}</b> <span class="note">${note.join(', ')}</span></span>
  </li> `;
}

function newBytes(size: number): string {
  return size === 0 ? 'of layers that were here before' : `${formatSize(size)} in new layers`;
}
