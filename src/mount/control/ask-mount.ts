/** Asks the daemon of a mount over its control socket: what `bundlefs status` and `bundlefs refresh` do. */
import { connect, type Socket } from 'node:net';
import { basename } from 'node:path';
import type { OpenFolder } from '../../disk/own/open-folder.ts';
import { openSocketFolder } from '../../disk/own/own-socket.ts';
import { BundleError, describeError, findErrno } from '../../ground/errors.ts';
import {
  answerSchema,
  type ControlAnswer,
  type ControlRequest,
  protocolVersion,
} from './control-protocol.ts';
import type { MountStatus, RefreshProgress, RefreshRecord } from './status.ts';

export interface AskMountOptions {
  readonly signal: AbortSignal;
}

/** Throws not-mounted where no daemon listens at `socketPath`, and mount-failed where it gives no good answer. */
export async function askStatus(socketPath: string, { signal }: AskMountOptions): Promise<MountStatus> {
  const timeout = AbortSignal.timeout(10_000);
  for await (const answer of ask(socketPath, 'status', AbortSignal.any([signal, timeout]))) {
    if (answer.kind === 'status') return answer.status;
  }
  throw cutOff(socketPath);
}

/**
 * Has the mount look at its images now, and returns what came of it; failed tries are returned, too. Giving up does not
 * stop the daemon. Throws as askStatus does.
 */
export async function askRefresh(
  socketPath: string,
  { signal, onProgress }: AskMountOptions & { readonly onProgress?: (progress: RefreshProgress) => void },
): Promise<RefreshRecord> {
  for await (const answer of ask(socketPath, 'refresh', signal)) {
    if (answer.kind === 'progress') onProgress?.(answer.progress);
    else if (answer.kind === 'refreshed') return answer.refresh;
  }
  throw cutOff(socketPath);
}

async function* ask(
  socketPath: string,
  request: ControlRequest['request'],
  signal: AbortSignal,
): AsyncGenerator<ControlAnswer, void, undefined> {
  signal.throwIfAborted();
  using folder = openFolder(socketPath);
  const socket = connect({ path: folder.at(basename(socketPath)) });
  const giveUp = (): void => {
    socket.destroy(new Error('it did not answer in time'));
  };
  signal.addEventListener('abort', giveUp);
  try {
    await connected(socket, socketPath);
    socket.write(`${JSON.stringify({ version: protocolVersion, request })}\n`);
    let rest = '';
    for await (const chunk of socket.setEncoding('utf8') as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield parseLine(line, socketPath);
    }
  } catch (error) {
    if (signal.reason instanceof BundleError) throw signal.reason;
    if (error instanceof BundleError) throw error;
    throw new BundleError(
      'mount-failed',
      `Cannot ask the mount at "${socketPath}": ${describeError(error)}`,
      {
        cause: error,
      },
    );
  } finally {
    signal.removeEventListener('abort', giveUp);
    socket.destroy();
  }
}

function openFolder(socketPath: string): OpenFolder {
  try {
    return openSocketFolder(socketPath);
  } catch (error) {
    throw unreachable(socketPath, error);
  }
}

function connected(socket: Socket, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', () => {
      socket.off('error', onError);
      resolve();
    });
    const onError = (error: Error): void => {
      reject(unreachable(socketPath, error));
    };
    socket.once('error', onError);
  });
}

function parseLine(line: string, socketPath: string): ControlAnswer {
  let answer: ControlAnswer | undefined;
  try {
    answer = answerSchema.safeParse(JSON.parse(line)).data;
  } catch {
    answer = undefined;
  }
  if (answer === undefined) {
    throw new BundleError('mount-failed', `Cannot understand the daemon at "${socketPath}"`, {
      hint: 'It is of another version of bundlefs: unmount, and mount again',
    });
  }
  if (answer.kind !== 'failed') return answer;
  throw new BundleError('mount-failed', `Cannot ask the mount: ${answer.message}`);
}

function unreachable(socketPath: string, error: unknown): BundleError {
  const found = ['ENOENT', 'ECONNREFUSED'].includes(findErrno(error) ?? '')
    ? 'no daemon listens'
    : describeError(error);
  return new BundleError('not-mounted', `Cannot ask the mount: ${found} at "${socketPath}"`, {
    cause: error,
  });
}

function cutOff(socketPath: string): BundleError {
  return new BundleError('mount-failed', `Cannot ask the mount: its daemon at "${socketPath}" hung up`, {
    hint: 'It may have ended: bundlefs list shows which mounts are there',
  });
}
