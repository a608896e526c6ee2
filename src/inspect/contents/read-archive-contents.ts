/** Reads what an archive holds: images, where each layer lies, and the prints of its blocks. */
import { decompress, findCompression, magicSize } from '../../place/archive/decompress.ts';
import { openXzFile } from '../../place/archive/open-xz-file.ts';
import { readFully } from '../../file/read-chunks.ts';
import type { VirtualFile } from '../../file/virtual-file.ts';
import { passTar } from '../../place/archive/passed-table.ts';
import { indexTar } from '../../place/archive/tar-table.ts';
import { watchStream } from '../../place/archive/watch-stream.ts';
import { createHashSink } from '../../place/archive/hash-sink.ts';
import type { BundleContents, ContentLayer } from './bundle-contents.ts';
import type { FindLayer } from '../../file/layer-bytes.ts';
import { nameRange } from '../../file/name-range.ts';
import { printBlocks } from './print-blocks.ts';
import { readTableContents } from './read-table-contents.ts';
import type { Cache } from '../../cache/cache.ts';
import type { Recipe } from '../../plan/layout/recipe.ts';
import type { DiffId } from '../../ground/digest.ts';
import { parseImageConfig } from '../../image/image-config.ts';

export interface ReadArchiveContentsOptions {
  readonly label: string;
  readonly signal?: AbortSignal;
  readonly onRead?: (done: number, total: number) => void;
}

/**
 * The contents of `file`, an archive of any form. Where it is at random access (plain, or .xz with small blocks), only
 * headers and manifests are read, and layers can be looked into; otherwise all of it is read and hashed.
 */
export async function readArchiveContents(
  file: VirtualFile,
  options: ReadArchiveContentsOptions,
): Promise<{ readonly contents: BundleContents; readonly findLayer: FindLayer }> {
  const start = Buffer.alloc(Math.min(magicSize, file.size));
  await readFully(file, start, 0);
  const compression = findCompression(start);
  const xz = compression === 'xz' ? await openXzFile(file) : undefined;
  const tar = compression === 'none' ? file : xz?.content;
  const base = { storedSize: file.size };
  if (tar === undefined) {
    const watched = watchStream(file.stream(options.signal ? { signal: options.signal } : {}), {
      ...options,
      onRead: (done) => options.onRead?.(done, file.size),
    });
    const content = decompress(watched, options.label, options.signal ? { signal: options.signal } : {});
    const found = await readTableContents(await passTar(content, createHashSink(), options), options);
    return { contents: { ...found.contents, ...base }, findLayer: () => Promise.resolve(undefined) };
  }
  const { contents, findLayer } = await readTableContents(await indexTar(tar, options), options);
  const blocks = xz && (await printBlocks(file, xz.structure));
  return {
    contents: { ...contents, ...base, blocks },
    async findLayer(diffId) {
      const layer = contents.layers.get(diffId);
      if (layer?.start === undefined || layer.size === undefined) return findLayer(diffId);
      const { start: layerStart, size } = layer;
      return {
        kind: 'random',
        file: {
          size,
          read: (target, position) =>
            tar.read(target.subarray(0, Math.max(0, size - position)), layerStart + position),
        },
        nameRange:
          blocks && ((position: number, length: number) => nameRange(blocks, layerStart + position, length)),
      };
    },
  };
}

/** The contents of `recipe`, as far as `cache` has records of them. */
export async function readRecipeRecords(
  label: string,
  recipe: Recipe,
  cache: Cache,
): Promise<BundleContents> {
  const records = await cache.openLayers(recipe.profile);
  const layers = new Map<DiffId, ContentLayer>();
  for (const diffId of new Set(recipe.images.flatMap((image) => image.layers))) {
    const record = await records.findLayer(diffId);
    layers.set(diffId, { diffId, size: record?.size });
  }
  const images = recipe.images.map(async ({ tags, config, layers: diffIds }) => {
    const bytes = await cache.findConfig(config);
    const history = bytes === undefined ? [] : parseImageConfig(bytes, `the config ${config}`).history;
    return { names: tags, id: config, layers: diffIds, history };
  });
  return {
    label,
    images: await Promise.all(images),
    layers,
    storedSize: recipe.bundle?.size,
  };
}
