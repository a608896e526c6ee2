/** The program of the process that makes a generation for a daemon, with a channel to it: it loads what makes one. */
import { toWorkerFailure } from '../../mount/live/worker-message.ts';
import { loadOrTell } from './load-or-tell.ts';

await loadOrTell(() => import('./make-generation.ts'), toWorkerFailure);
