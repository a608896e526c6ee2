/** Draws layers to scale: a bar in SVG, in which a shared layer has the colour and the letter of its group. */
import { formatCount, formatSize } from '../../../ground/format-text.ts';
import { html, type Markup } from './html.ts';
import type { LayerMark } from './layer-groups.ts';
import { nameOf, type PageModel } from './page-model.ts';

/** Of the width, what a label needs: at 280 px, the least a bar has, its two characters just fit. */
const labelShare = 0.07;
/** Of the width: what is narrower is not drawn. It is listed below the bar. */
const smallestShare = 0.0005;

/** A bar of these layers, from the lowest up; `fullSize` bytes would fill its width. */
export function drawLayers(model: PageModel, diffIds: readonly string[], fullSize: number): Markup {
  const segments: Markup[] = [];
  let start = 0;
  for (const diffId of diffIds) {
    const share = (model.storedSizes.get(diffId) ?? 0) / fullSize;
    if (share >= smallestShare) segments.push(drawLayer(model, diffId, start, share));
    start += share;
  }
  return html`<svg class="bar" role="img" aria-label="${describeLayers(model, diffIds)}">${segments}</svg>`;
}

function drawLayer(model: PageModel, diffId: string, start: number, share: number): Markup {
  const mark = model.groups.findMark(diffId);
  const isNew = model.comparison?.newLayers.has(diffId) === true;
  const size = formatSize(model.storedSizes.get(diffId) ?? 0);
  const tip = [
    mark ? `layer ${mark.label}` : `layer of ${ownerOf(model, diffId)} alone`,
    size,
    isNew && 'new',
  ];
  return html`<svg
    class="layer ${classOf(mark)}"
    ${groupAttribute(mark)}
    x="${percent(start)}"
    width="${percent(share)}"
  >
    <title>${tip.filter((word) => word !== false).join(', ')}</title>
    <rect class="fill" width="100%" height="26" />
    ${isNew && html`<rect class="new" y="29" width="100%" height="4" />`}${mark !== undefined && share >= labelShare && html`<text x="50%" y="18">${mark.label}</text>`}
  </svg>`;
}

/** A small square with a label: in keys and lists. */
export function drawMark(mark: LayerMark | undefined): Markup {
  return html`<span class="mark ${classOf(mark)}">${mark === undefined ? '' : mark.label}</span>`;
}

/** The image that has a layer which is not shared. */
function ownerOf({ owners }: PageModel, diffId: string): string {
  const image = owners.get(diffId);
  return image === undefined ? 'no image' : nameOf(image);
}

/** The class that a layer's colour hangs on. */
function classOf(mark: LayerMark | undefined): string {
  return mark === undefined ? 'own' : `g${mark.group.colour + 1}`;
}

function groupAttribute(mark: LayerMark | undefined): Markup | undefined {
  return mark && html` data-group="${mark.group.letter}"`;
}

/** What a bar shows, for those who do not see it. */
function describeLayers({ groups, storedSizes }: PageModel, diffIds: readonly string[]): string {
  const sizes = new Map<string, number>();
  for (const diffId of diffIds) {
    const mark = groups.findMark(diffId);
    const name = mark === undefined ? 'not shared' : `shared layers ${mark.group.letter}`;
    sizes.set(name, (sizes.get(name) ?? 0) + (storedSizes.get(diffId) ?? 0));
  }
  const parts = [...sizes].map(([name, size]) => `${name} ${formatSize(size)}`);
  return `${formatCount(diffIds.length, 'layer')} to scale: ${parts.join(', ')}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(3)}%`;
}
