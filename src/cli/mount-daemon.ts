/** The program of the process behind a mount: `mount-daemon <cache> <recipe digest> <mount point> <allow other: 0 or 1> <largest part, or nothing>`. */
import { openCache } from '../blocks/cache.ts';
import { parseDigest } from '../digest.ts';
import { runDaemon } from '../mount/daemon.ts';
import { serveRecipe } from './serve-recipe.ts';

const [cachePath = '', recipe = '', mountPoint = '', allowOther = '', maxPartSize = ''] =
  process.argv.slice(2);
process.title = `bundlefs mount ${mountPoint}`;
const status = await runDaemon(async (signal) => {
  const cache = await openCache(cachePath);
  const digest = parseDigest(recipe, 'the recipe to mount');
  const mount = await serveRecipe(cache, digest, mountPoint, {
    allowOther: allowOther === '1',
    signal,
    ...(maxPartSize !== '' && { maxPartSize: Number(maxPartSize) }),
  });
  return { mount, payload: null };
});
process.exit(status);
