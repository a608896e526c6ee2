/** `index.html`: the page that tells a customer what is on the stick. */
import type { Image } from '../../image/image.ts';
import type { BundleDescription } from '../bundle-description.ts';
import { html, toHtml } from './html.ts';

export interface PageInput {
  readonly description: BundleDescription;
  /** In the order of the description. */
  readonly images: readonly Image[];
  /** The bundle that this one replaces, where that is known. */
  readonly previous: BundleDescription | undefined;
}

/** The whole page, in one file that asks the network for nothing. */
export function renderPage({ description }: PageInput): string {
  return toHtml(
    html`<!doctype html>
      <html lang="en">
        <meta charset="utf-8" />
        <title>Images on this stick</title>
        <ul>
          ${description.images.map((image) => html`<li>${image.names.join(', ')}</li>`)}
        </ul>
      </html> `,
  );
}
