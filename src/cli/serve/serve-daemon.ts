/** What `mount-daemon <settings, in JSON>` does: it serves a mount; its order is the recipe's digest. */
import { createLog } from '../../mount/control/log.ts';
import { receiveOrder, runDaemon } from '../../mount/fuse/daemon.ts';
import { loadFuse } from '../../mount/fuse/fuse-library.ts';
import type { MountSettings } from './mount-settings.ts';
import { startLiveMount } from './start-live-mount.ts';

const [settingsJson = ''] = process.argv.slice(2);
const settings = JSON.parse(settingsJson) as MountSettings;
const log = createLog({ format: settings.logFormat });
process.title = `bundlefs mount ${settings.mountPoint}`;
const status = await runDaemon(
  async (signal) => {
    // What takes time is loaded while the bundle is being prepared.
    const [recipe] = await Promise.all([receiveOrder(signal), loadFuse()]);
    const live = await startLiveMount(settings, recipe, { log, signal });
    return { mount: live.mount, payload: null, close: () => live.close() };
  },
  {
    onError: (error) => {
      log.error(error);
    },
  },
);
process.exit(status);
