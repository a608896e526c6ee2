/** The way in: takes layers from a source, cuts them, and has every piece made a block; reading runs ahead of encoding by a bounded amount. */
import { scanGearNatively } from '../addon/scan-gear.ts';
import type { BlockRecord } from '../plan/layout/block-record.ts';
import type { BlockStore } from '../cache/block-store.ts';
import type { Cache } from '../cache/cache.ts';
import type { LayerRecords } from '../cache/layer-records.ts';
import type { LayerRecord } from '../plan/layout/layer-record.ts';
import type { CheckName } from '../format/xz/stream-flags.ts';
import { type DiffId, finishDigest, startDigest } from '../ground/digest.ts';
import { BundleError, isBundleError } from '../ground/errors.ts';
import { cuttingRule } from '../plan/cut/cutting-rule.ts';
import type { Piece } from '../plan/cut/piece-cutter.ts';
import type { LayerSink } from '../image/image-source.ts';
import { tarBlockSize } from '../format/tar/tar-header.ts';
import { TarCheck } from '../format/tar/tar-check.ts';
import { TarStart } from '../format/tar/tar-start.ts';
import type { BlockMaker } from './block-maker.ts';
import { type BuildMeter, createBuildMeter } from './build-meter.ts';
import { checkRoom } from './check-room.ts';
import { readLayerStart } from './read-layer-start.ts';
import { createWorkLimit } from '../ground/work-limit.ts';

/** Bytes of pieces under way: two of the largest. With less, one encoder waits for the other wherever files are big. */
const pieceBudget = 32 * 1024 * 1024;

/** Why a layer is no tar. */
export interface TarFault {
  readonly text: string;
  /** Whether it starts as one: it is a layer of an image that was damaged, and not something else. */
  readonly isDamaged: boolean;
  /** Whether it can be read all the same: only engines that unpack it refuse it. */
  readonly isReadable: boolean;
}

export interface Ingest {
  readonly sink: LayerSink;
  /** Layers that were met and are no tars, and why: nothing says that blocks of them are theirs. */
  readonly tarFaults: ReadonlyMap<DiffId, TarFault>;
  /** Removes the records of layers that no engine unpacks: another build that meets one has to say so, too. */
  forgetUnloadable(): Promise<void>;
  /** Waits until every layer taken so far is stored; then the records of all layers that this run has seen. */
  finish(): Promise<ReadonlyMap<DiffId, LayerRecord>>;
}

export interface IngestParts {
  readonly cache: Cache;
  readonly store: BlockStore;
  readonly layers: LayerRecords;
  readonly maker: BlockMaker;
  /** Of the profile. */
  readonly check: CheckName;
  /** Whether layers are taken that engines refuse only as they unpack: others are made of them. */
  readonly takesUnloadable?: boolean;
  /** Measures how long reading waits for encoding. */
  readonly meter?: BuildMeter;
}

/** An ingest into the given stores. The first error of any piece is thrown by the next addLayer and by finish. */
export function createIngest(parts: IngestParts): Ingest {
  const { cache, store, layers, maker, check, takesUnloadable = false, meter = createBuildMeter() } = parts;
  const records = new Map<DiffId, LayerRecord>();
  const tarFaults = new Map<DiffId, TarFault>();
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
    if (!(await isRecordOfTar(record, check, store))) return false;
    records.set(diffId, record);
    return true;
  };

  const sink: LayerSink = {
    hasLayer: findLayer,
    async addLayer(content, { expected, label = 'a layer' } = {}) {
      const hash = startDigest();
      const tar = new TarCheck();
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
        tar.push(chunk);
        const found = takesUnloadable ? tar.findReadFault() : tar.findFault();
        if (found === undefined) await take(cutter.push(chunk));
      }
      const tarFault = tar.findFaultAtEnd();
      const isReadable = tar.findReadFaultAtEnd() === undefined;
      const isTaken = tarFault === undefined || (takesUnloadable && isReadable);
      if (isTaken) await take(cutter.end());
      else await Promise.all(made);
      const diffId = finishDigest(hash) as DiffId;
      if (expected !== undefined && expected !== diffId) {
        throw new BundleError(
          'layer-mismatch',
          `Cannot take ${label}: its ${size} bytes hash to ${diffId}, its config says ${expected}`,
        );
      }
      if (tarFault !== undefined)
        tarFaults.set(diffId, { text: tarFault, isDamaged: tar.startsAsTar(), isReadable });
      if (!isTaken) return { diffId, size, tarFault };
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
    tarFaults,
    async forgetUnloadable() {
      await Promise.allSettled(storing);
      for (const [diffId, { isReadable }] of tarFaults) if (isReadable) await layers.removeLayer(diffId);
    },
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

/**
 * Whether a recorded layer starts as a tar does. Versions up to 0.1 recorded layers that do not. Tars are made of blocks, so
 * only a layer that is not is looked at: it has to be decoded for that.
 */
async function isRecordOfTar(record: LayerRecord, check: CheckName, store: BlockStore): Promise<boolean> {
  if (record.size % tarBlockSize === 0) return true;
  const start = new TarStart();
  try {
    start.push(await readLayerStart(record, 2 * tarBlockSize, check, store));
  } catch (error) {
    if (isBundleError(error)) return false; // read from the source, it is made anew
    throw error;
  }
  return start.findFaultAtEnd() === undefined;
}

async function hasAllBlocks(store: BlockStore, record: LayerRecord): Promise<boolean> {
  const distinct = [...new Map(record.blocks.map((block) => [block.key, block])).values()];
  return !(await store.stampBlocks(distinct)).includes(undefined);
}
