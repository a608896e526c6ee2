/** From a table of members to checked images whose layers are all in the sink. */
import { groupBy } from '../../../ground/group-by.ts';
import { appendAll } from '../../../ground/long-lists.ts';
import { type DiffId, hexOf } from '../../../ground/digest.ts';
import { BundleError } from '../../../ground/errors.ts';
import { createImage, describeImage, type Image } from '../../../image/image.ts';
import { formatPlatform, type PlatformWish } from '../../../image/platform.ts';
import { familiarName, type Reference } from '../../../image/reference.ts';
import type { LayerSink, ReadImagesOptions } from '../../../image/image-source.ts';
import { readUnlessLeftOut } from '../../../image/leave-out.ts';
import { listContent, listImages } from './list-images.ts';
import { checkLayer, type LocatedLayer, locateLayers } from './locate-layers.ts';
import type { Member, MemberTable } from './member-table.ts';
import { readConfig } from './read-config.ts';
import { type SelectedImage, selectImages } from './select-images.ts';
import { takeLayer } from './take-layer.ts';

export interface ReadListedImagesOptions extends ReadImagesOptions {
  readonly wish: PlatformWish;
  /** What messages call an image without names: fully qualified names. */
  readonly fallbackNames?: readonly string[];
}

export interface ReadImage {
  readonly image: Image;
  readonly layers: readonly LocatedLayer[];
}

/**
 * The images of `table` that `references` name, all where it is empty; images of one config are one. Layers that passed
 * are compared with their config; the others are read where the sink does not have them, after all parts of all images
 * have been found. `onRead` counts bytes of these layers. Throws as ImageSource.readImages says.
 */
export async function readListedImages(
  table: MemberTable,
  references: readonly Reference[],
  sink: LayerSink,
  { wish, fallbackNames = [], leaveOut, ...options }: ReadListedImagesOptions,
): Promise<Image[]> {
  const read: ReadImage[] = [];
  for (const selected of await selectByWish(table, references, wish)) {
    const image = await readUnlessLeftOut(
      () => readImage(table, selected, fallbackNames),
      selected.isNamed,
      leaveOut,
    );
    if (image !== undefined) read.push(image);
  }
  const groups = [...groupBy(read, ({ image }) => image.configDigest).values()];
  const unread = await findUnread(
    groups.flatMap(([first]) => first.layers),
    sink,
  );
  const wrong = await takeLayers(unread, table.label, sink, { ...options, leaveOut });
  return groups
    .filter(([first]) => !first.layers.some((layer) => wrong.has(placeOf(layer))))
    .map((same) => {
      const tags = same.flatMap(({ image }) => image.tags);
      const named = same.find(({ image }) => image.refName !== undefined);
      return { ...createImage(same[0].image.config, tags), refName: named?.image.refName };
    });
}

/** Selects each reference from what there is for the platform that it wants. */
async function selectByWish(
  table: MemberTable,
  references: readonly Reference[],
  wish: PlatformWish,
): Promise<SelectedImage[]> {
  const groups = new Map<string, { readonly wish: PlatformWish; readonly references: Reference[] }>();
  for (const reference of references) {
    const { platform } = reference;
    const key = platform === undefined ? '' : formatPlatform(platform);
    const group = groups.get(key) ?? {
      wish: platform === undefined ? wish : { platform, isRequired: true },
      references: [],
    };
    group.references.push(reference);
    groups.set(key, group);
  }
  if (groups.size === 0) groups.set('', { wish, references: [] });
  const selected: SelectedImage[] = [];
  for (const group of groups.values()) {
    appendAll(selected, await selectListed(table, group.references, group.wish));
  }
  return selected;
}

/** What `references` mean of `table`, all images where it is empty. Throws as listContent and selectImages do. */
export async function selectListed(
  table: MemberTable,
  references: readonly Reference[],
  wish: PlatformWish,
): Promise<SelectedImage[]> {
  const list = references.length === 0 ? listImages : listContent;
  return selectImages(await list(table, wish), references, table.label);
}

/** The image and where its layers are; reads nothing but its manifest and config. Throws config-*, layer-*, archive-*. */
export async function readImage(
  table: MemberTable,
  { listed, tags, isNamed }: SelectedImage,
  fallbackNames: readonly string[] = [],
): Promise<ReadImage> {
  const [oddName] = listed.unreadableNames ?? [];
  if (oddName !== undefined && !isNamed) throw unreadable(oddName, table.label);
  const { config, layers } = await listed.locate();
  const names = [tags, listed.names, fallbackNames].find((some) => some.length > 0) ?? [];
  const name = familiarName(
    names[0] ?? listed.refName ?? (config.digest && hexOf(config.digest).slice(0, 12)) ?? 'an image',
  );
  const bytes = await readConfig(table, config, name);
  const created = createImage(bytes, tags, `the config of ${name} ("${config.name}" in ${table.label})`);
  const image = listed.refName === undefined ? created : { ...created, refName: listed.refName };
  const label = describeImage({ ...image, tags: names });
  return { image, layers: await locateLayers(table, layers, image, label) };
}

/** Each layer that neither passed nor is in the sink, once for each member that is said to have it. */
async function findUnread(layers: readonly LocatedLayer[], sink: LayerSink): Promise<LocatedLayer[]> {
  const unread = new Map<string, LocatedLayer>();
  const seen = new Map<DiffId, boolean>();
  for (const layer of layers) {
    if (layer.member.kind === 'passed') continue;
    const isKnown = seen.get(layer.diffId) ?? (await sink.hasLayer(layer.diffId));
    seen.set(layer.diffId, isKnown);
    if (!isKnown && !unread.has(placeOf(layer))) unread.set(placeOf(layer), layer);
  }
  return [...unread.values()];
}

/** The same for layers that are said to be the same member. */
function placeOf({ diffId, member }: LocatedLayer): string {
  return `${diffId} ${member.name}`;
}

/**
 * Hands each diffId to the sink, from the first member that has it. Returns the places of layers that turned out to be
 * others than their images' configs say, where those may be left out.
 */
async function takeLayers(
  layers: readonly LocatedLayer[],
  tableLabel: string,
  sink: LayerSink,
  { signal, onRead, leaveOut }: ReadImagesOptions,
): Promise<ReadonlySet<string>> {
  const taken = new Set<DiffId>();
  const wrong = new Set<string>();
  const total = layers.reduce((sum, { member }) => sum + member.size, 0);
  let done = 0;
  async function* counted(member: Member): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of contentOf(member)) {
      signal?.throwIfAborted();
      done += chunk.length;
      onRead?.(done, total);
      yield chunk;
    }
  }
  for (const layer of layers) {
    const { member, diffId, label } = layer;
    if (taken.has(diffId)) continue;
    const what = `${label} ("${member.name}" in ${tableLabel})`;
    const wanted = { expected: diffId, label: `${label} ("${member.name}")` };
    const take = async (): Promise<true> => {
      const taking = { what, layer: wanted, signal };
      checkLayer(layer, await takeLayer(counted(member), sink, taking));
      return true;
    };
    if ((await readUnlessLeftOut(take, true, leaveOut)) === true) taken.add(diffId);
    else wrong.add(placeOf(layer));
  }
  return wrong;
}

async function* contentOf(member: Member): AsyncGenerator<Uint8Array, void, undefined> {
  if (member.kind === 'stored') yield* member.stream();
  else if (member.kind === 'kept') yield member.bytes;
  else throw new TypeError(`"${member.name}" has passed already`);
}

function unreadable(name: string, label: string): BundleError {
  return new BundleError(
    'archive-corrupt',
    `Cannot take all images of ${label}: "${name}" is no image name`,
    {
      hint: 'Name the images that you want; this one can be taken by its id.',
    },
  );
}
