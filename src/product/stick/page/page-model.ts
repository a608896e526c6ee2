/** What the sections of the page are drawn from. */
import { parseImageConfig } from '../../../image/image-config.ts';
import type { Image } from '../../../image/image.ts';
import { familiarName } from '../../../image/reference.ts';
import type { BundleDescription } from '../../../bundle/description.ts';
import {
  type BundleComparison,
  compareBundles,
  type ImageChange,
  type ImageDescription,
} from '../compare-bundles.ts';
import { groupLayers, type LayerGroups } from './layer-groups.ts';

export interface PageInput {
  readonly description: BundleDescription;
  /** The images of the bundle, for what their configs say of their layers. */
  readonly images: readonly Pick<Image, 'config' | 'configDigest'>[];
  /** The bundle that this one replaces, where that is known. */
  readonly previous?: BundleDescription | undefined;
}

export interface PageModel {
  readonly description: BundleDescription;
  readonly previous: BundleDescription | undefined;
  readonly comparison: BundleComparison | undefined;
  readonly groups: LayerGroups;
  /** By diffId the first image that has the layer. */
  readonly owners: ReadonlyMap<string, ImageDescription>;
  /** What became of the images since the bundle before. */
  readonly changes: ReadonlyMap<ImageDescription, ImageChange>;
  /** Bytes in the archive by diffId, and of the layer's tar. */
  readonly storedSizes: ReadonlyMap<string, number>;
  readonly tarSizes: ReadonlyMap<string, number>;
  /** The build steps that made the layers of an image, from the lowest up. */
  readonly steps: (image: ImageDescription) => readonly string[];
}

export function createPageModel({ description, images, previous }: PageInput): PageModel {
  const { layers } = description;
  const steps = new Map(images.map((image) => [image.configDigest as string, listSteps(image)]));
  const comparison = previous && compareBundles(previous, description);
  const changes = comparison?.changes ?? [];
  const owners = new Map<string, ImageDescription>();
  for (const image of description.images) {
    for (const diffId of image.layers) if (!owners.has(diffId)) owners.set(diffId, image);
  }
  return {
    description,
    previous,
    comparison,
    owners,
    changes: new Map(changes.flatMap((change) => ('image' in change ? [[change.image, change]] : []))),
    groups: groupLayers(description),
    storedSizes: new Map(layers.map(({ diffId, storedSize }) => [diffId, storedSize])),
    tarSizes: new Map(layers.map(({ diffId, size }) => [diffId, size])),
    steps: ({ id }) => steps.get(id) ?? [],
  };
}

/** How the page names an image: as docker shows it, or by the start of its id. */
export function nameOf({ names, id }: ImageDescription): string {
  return names.length === 0 ? `untagged ${shortDigest(id)}` : names.map(familiarName).join(', ');
}

/** The first 12 digits, as docker shows them. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}

const longestStep = 240;

function listSteps({ config, configDigest }: Pick<Image, 'config' | 'configDigest'>): string[] {
  return parseImageConfig(config, `the config ${configDigest}`)
    .history.filter((entry) => !entry.isEmptyLayer)
    .map(({ createdBy = '' }) => {
      const step = createdBy
        .replace(/\s+/g, ' ')
        .replace(/^\/bin\/sh -c #\(nop\) /, '')
        .replace(/^\/bin\/sh -c /, 'RUN ')
        .replace(/^RUN \/bin\/sh -c /, 'RUN ')
        .replace(/ # buildkit$/, '')
        .replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1…')
        .trim();
      return step.length > longestStep ? `${step.slice(0, longestStep)}…` : step;
    });
}
