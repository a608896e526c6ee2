/** Reads images into the cache as a build does, for a look at what would be made of them; no bundle comes of it. */
import { encoderName } from '../plan/layout/profile.ts';
import type { Image } from '../image/image.ts';
import { createBlockMaker } from './block-maker.ts';
import { createIngest } from './ingest.ts';
import { createLeftOut, keepImagesOfTars, type LeaveOutOptions } from './leave-out.ts';
import { completeProfile, type PrepareBundleOptions, type Workshop } from './prepare-bundle.ts';

export interface OpenedWorkshop extends AsyncDisposable {
  readonly images: readonly Image[];
  readonly workshop: Workshop;
}

/** The images that `references` name, their layers all stored. Nothing of them is collected until it is disposed of. */
export async function openWorkshop({
  source,
  references,
  cache,
  profile: choice,
  signal: outer,
  onRead,
  ...options
}: Pick<
  PrepareBundleOptions,
  'source' | 'references' | 'cache' | 'profile' | 'signal' | keyof LeaveOutOptions
> & {
  readonly onRead?: (done: number, total: number | undefined) => void;
}): Promise<OpenedWorkshop> {
  const profile = completeProfile(choice);
  const lease = await cache.leaseBuild(encoderName(profile));
  const stopping = new AbortController();
  const signal = AbortSignal.any([stopping.signal, ...(outer ? [outer] : [])]);
  const store = await cache.openBlocks(profile);
  const maker = createBlockMaker(store, profile, { signal });
  let forget = (): Promise<void> => Promise.resolve();
  const close = async (): Promise<void> => {
    stopping.abort();
    await maker.settle();
    await forget();
    await cache.save();
    await lease[Symbol.asyncDispose]();
  };
  try {
    const layers = await cache.openLayers(profile);
    const ingest = createIngest({ cache, store, layers, maker, check: profile.check, takesUnloadable: true });
    forget = () => ingest.forgetUnloadable();
    const leftOut = createLeftOut(options);
    const settle = async (): Promise<void> => {
      await ingest.finish();
    };
    const found = await source.readImages(references, ingest.sink, {
      signal,
      leaveOut: leftOut.leaveOut,
      onRead,
    });
    const images = keepImagesOfTars(
      found,
      references,
      ingest.tarFaults,
      leftOut,
      ({ isReadable }) => !isReadable,
    );
    leftOut.checkLeft(images);
    await settle();
    return {
      images,
      workshop: { cache, profile, sink: ingest.sink, settle, signal },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
