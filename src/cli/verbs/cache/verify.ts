/** What `bundlefs cache verify` does. */
import { findCache } from '../../../cache/cache.ts';
import { verifyCache } from '../../../cache/upkeep/verify-cache.ts';
import { BundleError } from '../../../ground/errors.ts';
import { type CacheChoice, chooseCache } from '../../../request/made/cache.ts';
import { formatCount, formatSize } from '../../../ground/format-text.ts';
import { printJson, printLines } from '../../../ground/print.ts';
import { startProgress } from '../../../request/made/progress.ts';

export interface CacheVerifyOptions extends CacheChoice {
  readonly repair?: boolean;
  readonly json?: boolean;
}

/** Checks every block and layer record and, where it is asked to, sets damaged ones aside. Throws block-corrupt where some are damaged and stay. */
export async function runCacheVerify(options: CacheVerifyOptions, signal: AbortSignal): Promise<void> {
  const cache = await findCache((await chooseCache(options)).path);
  const { blockCount, frameCount, layerCount, size, damaged } = await verifyWithProgress(cache, signal);
  const isRepaired = options.repair === true;
  if (isRepaired) for (const { path } of damaged) await cache.setAside(path);
  const lines = damaged.map(({ path, problem }) => `${path}: ${problem}`);
  const frames = frameCount === 0 ? '' : `${formatCount(frameCount, 'frame')}, `;
  const counted = `${formatCount(blockCount, 'block')}, ${frames}${formatCount(layerCount, 'layer')}, ${formatSize(size)}`;
  const verdict = isRepaired
    ? `${formatCount(damaged.length, 'damaged file')} set aside; the next build makes what it needs of them again.`
    : `${formatCount(damaged.length, 'damaged file')}.`;
  lines.push(
    damaged.length === 0 ? `${cache.root}: ${counted}, all sound.` : `${cache.root}: ${counted}, ${verdict}`,
  );
  if (options.json === true) {
    const wasRepaired = isRepaired && damaged.length > 0;
    const counts = { blockCount, frameCount, layerCount, size };
    printJson({ path: cache.root, ...counts, damaged, isRepaired: wasRepaired });
  } else {
    printLines(lines);
  }
  if (damaged.length > 0 && !isRepaired) {
    throw new BundleError(
      'block-corrupt',
      `Cannot trust the cache "${cache.root}": ${damaged.length} of its files ${damaged.length === 1 ? 'is' : 'are'} damaged`,
      {
        hint: 'Run bundlefs cache verify --repair: damaged files are set aside, and the next build makes them again.',
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
