/** The images: names, layers to scale, and what each layer is. */
import { largestOf } from '../../../ground/long-lists.ts';
import { formatCount, formatSize } from '../../../ground/format-text.ts';
import type { ImageChange, ImageDescription } from '../compare-bundles.ts';
import { drawLayers, drawMark } from './draw-layers.ts';
import { formatDate } from './format-date.ts';
import { html, type Markup } from './html.ts';
import { nameOf, type PageModel, shortDigest } from './page-model.ts';

export function renderImages(model: PageModel): Markup {
  const { images, layers, archive } = model.description;
  const apart = images.reduce((sum, image) => sum + storedSizeOf(model, image), 0);
  const together = layers.reduce((sum, layer) => sum + layer.storedSize, 0);
  const fullSize = largestOf(
    images.map((image) => storedSizeOf(model, image)),
    1,
  );
  const diffIds = layers.map(({ diffId }) => diffId);
  const isShared = model.groups.groups.length > 0;
  return html` <section aria-labelledby="images">
    <h2 id="images">The images</h2>
    ${
      isShared &&
      html`<p>
          Images are made of layers, and share some of them. Here each layer is stored once:
          ${formatSize(archive.size)} instead of ${formatSize(apart)}.
        </p>
        <figure>
          ${drawLayers(model, diffIds, Math.max(1, together))}
          <figcaption>All ${layers.length} layers, to scale by the space they take here.</figcaption>
        </figure>
        ${renderKey(model)}`
    }
    <ul class="images">
      ${images.map((image) => renderImage(model, image, fullSize))}
    </ul>
  </section>`;
}

function renderKey({ groups, description, comparison }: PageModel): Markup {
  const names = (indexes: readonly number[]): string =>
    indexes
      .flatMap((index) => description.images[index] ?? [])
      .map(nameOf)
      .join(', ');
  const items = groups.groups.map(
    (group) =>
      html`<li data-group="${group.letter}">
        <span class="key">${drawMark({ group, label: group.letter })}</span
        ><span
          ><b>${formatSize(group.storedSize)}</b> in ${formatCount(group.diffIds.length, 'layer')} of
          <span class="names">${names(group.imageIndexes)}</span></span
        >
      </li> `,
  );
  return html`<details class="keys" open>
    <summary>What the colours mean</summary>
    <ul class="key-list">
      ${items}
      <li><span class="key">${drawMark(undefined)}</span><span>layers of one image alone</span></li>
      ${
        comparison &&
        html`<li>
          <span class="key"><span class="new-mark"></span></span
          ><span>underlined: layers that the bundle before did not have</span>
        </li> `
      }
    </ul>
  </details>`;
}

function renderImage(model: PageModel, image: ImageDescription, fullSize: number): Markup {
  const facts = [
    image.platform,
    formatDate(image.created) === undefined ? '' : `built ${formatDate(image.created) ?? ''}`,
    `${formatSize(image.size)} when loaded`,
  ].filter((fact) => fact !== '');
  const change = model.changes.get(image);
  return html`<li class="image">
    <div class="title">
      <h3>${splitName(nameOf(image))}</h3>
      ${change && change.kind !== 'same' && html`<span class="tag">${changeWords[change.kind]}</span>`}
    </div>
    <p class="facts">${facts.join(' · ')} · id <code>${shortDigest(image.id)}</code></p>
    ${drawLayers(model, image.layers, fullSize)}
    <details>
      <summary>
        ${formatCount(image.layers.length, 'layer')}, ${formatSize(storedSizeOf(model, image))} here
      </summary>
      <ol class="layers">
        ${image.layers.map((diffId, index) => renderLayer(model, diffId, model.steps(image)[index]))}
      </ol>
      <p class="facts">Image id <code>${image.id}</code></p>
    </details>
  </li> `;
}

const changeWords: Readonly<Record<ImageChange['kind'], string>> = {
  added: 'new',
  rebuilt: 'rebuilt',
  retagged: 'retagged',
  same: 'unchanged',
  removed: 'removed',
};

function renderLayer(model: PageModel, diffId: string, step: string | undefined): Markup {
  const mark = model.groups.findMark(diffId);
  const isNew = model.comparison?.newLayers.has(diffId) === true;
  const stored = formatSize(model.storedSizes.get(diffId) ?? 0);
  return html`<li>
    ${drawMark(mark)}<code class="step"
      >${step === undefined || step === '' ? `layer ${shortDigest(diffId)}` : step}</code
    ><span class="size"
      >${stored}<small> of ${formatSize(model.tarSizes.get(diffId) ?? 0)}${isNew && ', new'}</small></span
    >
  </li> `;
}

/** Long names may break after a slash or a colon, and nowhere else if they can. */
function splitName(name: string): Markup {
  return html`${name.split(/(?<=[/:,])/).map((part) => html`${part}<wbr />`)}`;
}

function storedSizeOf({ storedSizes }: PageModel, { layers }: ImageDescription): number {
  return layers.reduce((sum, diffId) => sum + (storedSizes.get(diffId) ?? 0), 0);
}
