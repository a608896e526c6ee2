/** The service manager that this process was started by, where there is one: told when the mount is there, and how it is. */
import { notifyService } from '../../addon/notify-service.ts';

export interface ServiceManager {
  /** The mount can be read. */
  ready(status: string): void;
  /** One line for `systemctl status`. */
  status(text: string): void;
  /** The mount is ending; it may take as long as readers take. */
  stopping(text: string): void;
  close(): void;
}

/**
 * By the variables that systemd sets (sd_notify(3), sd_watchdog_enabled(3)), which are taken out of `environment`, for
 * they are not meant for programs started from here. Does nothing where they are absent. What fails goes to `onError`.
 */
export function connectServiceManager(
  environment: NodeJS.ProcessEnv,
  onError: (error: unknown) => void,
): ServiceManager {
  const path = environment['NOTIFY_SOCKET'];
  const watchdogMs = findWatchdogMs(environment);
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'])
    Reflect.deleteProperty(environment, name);

  const send = (...lines: readonly string[]): void => {
    if (path === undefined || path === '') return;
    try {
      notifyService(
        path,
        lines.map((line) => line.replace(/\s+/g, ' ')),
      );
    } catch (error) {
      onError(error);
    }
  };
  let watchdog: NodeJS.Timeout | undefined;
  return {
    ready(status) {
      send('READY=1', `MAINPID=${process.pid}`, `STATUS=${status}`);
      if (watchdogMs === undefined) return;
      watchdog = setInterval(() => {
        send('WATCHDOG=1');
      }, watchdogMs / 2).unref();
    },
    status(text) {
      send(`STATUS=${text}`);
    },
    stopping(text) {
      send('STOPPING=1', `STATUS=${text}`);
    },
    close() {
      clearInterval(watchdog);
    },
  };
}

function findWatchdogMs(environment: NodeJS.ProcessEnv): number | undefined {
  const pid = environment['WATCHDOG_PID'];
  const ms = Number(environment['WATCHDOG_USEC']) / 1000;
  const isMine = pid === undefined || Number(pid) === process.pid;
  return isMine && Number.isFinite(ms) && ms > 0 ? ms : undefined;
}
