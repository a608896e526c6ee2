/** Preloaded into a mount's daemon: JavaScript keeps its thread for 50 of every 100 ms. */
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setInterval } from 'node:timers';

if (process.argv[1]?.includes('mount-daemon') === true) {
  setInterval(() => {
    const until = performance.now() + 50;
    while (performance.now() < until);
  }, 100).unref();
}
