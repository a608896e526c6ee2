/** Options for clients of tests: no login of this machine, and no waiting. */
import type { RetryRule } from '../../../src/place/registry/talk/retry.ts';

/** Notes how long it was to wait, and does not. */
export function impatientRule(waits: number[] = []): RetryRule {
  return {
    attempts: 4,
    firstDelayMs: 500,
    longestDelayMs: 60_000,
    wait(delayMs) {
      waits.push(delayMs);
      return Promise.resolve();
    },
  };
}

/** An environment in which nobody has logged in. */
export const bareEnvironment: NodeJS.ProcessEnv = {
  PATH: process.env['PATH'],
  DOCKER_CONFIG: '/nonexistent',
  XDG_CONFIG_HOME: '/nonexistent',
};
