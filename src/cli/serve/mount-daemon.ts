/** The program of the process behind a mount: it loads what serves one. */
import { toFailedMessage } from '../../mount/fuse/daemon-message.ts';
import { loadOrTell } from './load-or-tell.ts';

await loadOrTell(() => import('./serve-daemon.ts'), toFailedMessage);
