/** What `bundlefs cache verify` does. */
import { findCache } from '../blocks/cache.ts';
import { verifyCache } from '../bundle/verify-cache.ts';
import { BundleError } from '../errors.ts';
import { type CacheChoice, chooseCache } from './choose-cache.ts';
import { formatCount, formatSize } from '../format-text.ts';
import { printJson, printLines } from '../print.ts';
import { startProgress } from './progress.ts';

export interface CacheVerifyOptions extends CacheChoice {
  readonly repair?: boolean;
  readonly json?: boolean;
}

/** Checks every block and, where it is asked to, sets damaged ones aside. Throws block-corrupt where some are damaged and stay. */
export async function runCacheVerify(options: CacheVerifyOptions, signal: AbortSignal): Promise<void> {
  const cache = await findCache((await chooseCache(options)).path);
  const { blockCount, frameCount, size, damaged } = await verifyWithProgress(cache, signal);
  const isRepaired = options.repair === true;
  if (isRepaired) for (const { path } of damaged) await cache.setAside(path);
  const lines = damaged.map(({ path, problem }) => `${path}: ${problem}`);
  const frames = frameCount === 0 ? '' : `${formatCount(frameCount, 'frame')}, `;
  const counted = `${formatCount(blockCount, 'block')}, ${frames}${formatSize(size)}`;
  const verdict = isRepaired
    ? `${formatCount(damaged.length, 'damaged block')} set aside; the next build makes what it needs of them again.`
    : `${formatCount(damaged.length, 'damaged block')}.`;
  lines.push(
    damaged.length === 0 ? `${cache.root}: ${counted}, all sound.` : `${cache.root}: ${counted}, ${verdict}`,
  );
  if (options.json === true) {
    const wasRepaired = isRepaired && damaged.length > 0;
    printJson({ path: cache.root, blockCount, frameCount, size, damaged, isRepaired: wasRepaired });
  } else {
    printLines(lines);
  }
  if (damaged.length > 0 && !isRepaired) {
    throw new BundleError(
      'block-corrupt',
      `Cannot trust the cache "${cache.root}": ${damaged.length} of its ${blockCount + frameCount} ${frameCount === 0 ? 'blocks' : 'blocks and frames'} are damaged`,
      {
        hint: 'Run bundlefs cache verify --repair: damaged blocks are set aside, and the next build makes them again.',
      },
    );
  }
}

async function verifyWithProgress(
  cache: Awaited<ReturnType<typeof findCache>>,
  signal: AbortSignal,
): Promise<Awaited<ReturnType<typeof verifyCache>>> {
  using progress = startProgress({ label: 'checking blocks' });
  return await verifyCache(cache, {
    signal,
    onProgress: (done, total) => {
      progress.show(done, total);
    },
  });
}
