/** The program of the process behind a mount: `mount-daemon <settings, in JSON> <recipe digest>`. */
import { createLog } from '../live/log.ts';
import { runDaemon } from '../mount/daemon.ts';
import type { MountSettings } from './mount-settings.ts';
import { startLiveMount } from './start-live-mount.ts';

const [settingsJson = '', recipe = ''] = process.argv.slice(2);
const settings = JSON.parse(settingsJson) as MountSettings;
const log = createLog({ format: settings.logFormat });
process.title = `bundlefs mount ${settings.mountPoint}`;
const status = await runDaemon(
  async (signal) => {
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
