/** The way in: takes layers from a source, cuts them, and has every piece made a block; reading runs ahead of encoding by a bounded amount. */
import { scanGearNatively } from '../addon/scan-gear.ts';
import type { BlockRecord } from '../blocks/block-record.ts';
import type { BlockStore } from '../blocks/block-store.ts';
import type { Cache } from '../blocks/cache.ts';
import type { LayerRecord, LayerRecords } from '../blocks/layer-records.ts';
import { type DiffId, finishDigest, startDigest } from '../digest.ts';
import { BundleError } from '../errors.ts';
import { cuttingRule } from '../plan/cutting-rule.ts';
import type { Piece } from '../plan/piece-cutter.ts';
import type { LayerSink } from '../sources/image-source.ts';
import type { BlockMaker } from './block-maker.ts';
import { type BuildMeter, createBuildMeter } from './build-meter.ts';
import { checkRoom } from './check-room.ts';
import { createWorkLimit } from './work-limit.ts';

/** Bytes of pieces under way: two of the largest. With less, one encoder waits for the other wherever files are big. */
const pieceBudget = 32 * 1024 * 1024;

export interface Ingest {
  readonly sink: LayerSink;
  /** Waits until every layer taken so far is stored; then the records of all layers that this run has seen. */
  finish(): Promise<ReadonlyMap<DiffId, LayerRecord>>;
}

export interface IngestParts {
  readonly cache: Cache;
  readonly store: BlockStore;
  readonly layers: LayerRecords;
  readonly maker: BlockMaker;
  /** Measures how long reading waits for encoding. */
  readonly meter?: BuildMeter;
}

/** An ingest into the given stores. The first error of any piece is thrown by the next addLayer and by finish. */
export function createIngest(parts: IngestParts): Ingest {
  const { cache, store, layers, maker, meter = createBuildMeter() } = parts;
  const records = new Map<DiffId, LayerRecord>();
  const storing: Promise<void>[] = [];
  const limit = createWorkLimit(pieceBudget);
  let failure: { readonly error: unknown } | undefined;
  const watch = <T>(work: Promise<T>): Promise<T> => {
    work.catch((error: unknown) => (failure ??= { error }));
    return work;
  };
  const failIfBroken = (): void => {
    if (failure !== undefined) throw failure.error;
  };

  const findLayer = async (diffId: DiffId): Promise<boolean> => {
    if (records.has(diffId)) return true;
    const record = await layers.findLayer(diffId);
    if (record === undefined || !(await hasAllBlocks(store, record))) return false;
    records.set(diffId, record);
    return true;
  };

  const sink: LayerSink = {
    hasLayer: findLayer,
    async addLayer(content, { expected, label = 'a layer' } = {}) {
      const hash = startDigest();
      const cutter = cuttingRule.createCutter(scanGearNatively);
      const made: Promise<BlockRecord>[] = [];
      let size = 0;
      const take = async (pieces: readonly Piece[]): Promise<void> => {
        for (const piece of pieces) {
          const { result } = await meter.waiting.time(() =>
            limit.run(piece.size, () => watch(maker.makeBlock(piece))),
          );
          made.push(watch(result));
          failIfBroken();
        }
      };
      for await (const chunk of content) {
        hash.update(chunk);
        size += chunk.length;
        await take(cutter.push(chunk));
      }
      await take(cutter.end());
      const diffId = finishDigest(hash) as DiffId;
      if (expected !== undefined && expected !== diffId) {
        throw new BundleError(
          'layer-mismatch',
          `Cannot take ${label}: its ${size} bytes hash to ${diffId}, its config says ${expected}`,
        );
      }
      storing.push(watch(storeLayer(layers, records, diffId, size, made)));
      return { diffId, size };
    },
    checkRoom: (size, options) => checkRoom(cache, size, options),
    async findConfig(imageId) {
      return cache.findConfig((await cache.findImageConfig(imageId)) ?? imageId);
    },
    async keepConfig(imageId, config) {
      await cache.putImageConfig(imageId, await cache.putConfig(config));
    },
  };

  return {
    sink,
    async finish() {
      await Promise.all(storing);
      failIfBroken();
      return records;
    },
  };
}

async function storeLayer(
  layers: LayerRecords,
  records: Map<DiffId, LayerRecord>,
  diffId: DiffId,
  size: number,
  made: readonly Promise<BlockRecord>[],
): Promise<void> {
  const record = { diffId, size, blocks: await Promise.all(made) };
  await layers.putLayer(record);
  records.set(diffId, record);
}

async function hasAllBlocks(store: BlockStore, record: LayerRecord): Promise<boolean> {
  const distinct = [...new Map(record.blocks.map((block) => [block.key, block])).values()];
  return !(await store.stampBlocks(distinct)).includes(undefined);
}
