/** A progress line on standard error: how far, how fast, how long still. Only on a terminal. */
import type { WriteStream } from 'node:tty';
import { formatDuration, formatSize } from '../../ground/format-text.ts';
import { standardError } from '../../ground/print.ts';
import { showText } from '../../ground/show-text.ts';

export interface Progress extends Disposable {
  /** Shows that `done` of `total` bytes are through; `note` is put behind. */
  show(done: number, total: number | undefined, note?: string): void;
}

export interface ProgressOptions {
  /** What is being done: `reading`, `writing images.tar.xz`. */
  readonly label: string;
  /** Whether nothing is shown, on a terminal, too. */
  readonly isSilent?: boolean;
  readonly output?: Pick<WriteStream, 'isTTY' | 'write' | 'columns'>;
  readonly now?: () => number;
}

const intervalMs = 100;
/** Of terminals that do not say. */
const defaultColumns = 100;
/** Before that a rate says nothing. */
const settledMs = 500;

/** A progress line; it erases itself when it is disposed of. Silent where `output` is not a terminal. */
export function startProgress({
  label,
  isSilent = false,
  output = standardError,
  now = Date.now,
}: ProgressOptions): Progress {
  if (!output.isTTY || isSilent) return { show: () => undefined, [Symbol.dispose]: () => undefined };
  const startMs = now();
  let shownMs = 0;
  return {
    show(done, total, note) {
      const nowMs = now();
      if (nowMs - shownMs < intervalMs) return;
      shownMs = nowMs;
      const line = showText(progressLine(label, done, total, nowMs - startMs, note));
      output.write(`\r\u001b[K${line.slice(0, (output.columns || defaultColumns) - 1)}`);
    },
    [Symbol.dispose]() {
      if (shownMs > 0) output.write('\r\u001b[K');
    },
  };
}

/** Progress of work in phases, each of which has a rate of its own. */
export interface PhaseProgress extends Disposable {
  show(phase: string, done: number, total: number): void;
}

/** A progress line that is labelled with the phase; a new one begins where the phase changes. */
export function startPhases(options: Omit<ProgressOptions, 'label'> = {}): PhaseProgress {
  let current: { readonly phase: string; readonly progress: Progress } | undefined;
  return {
    show(phase, done, total) {
      if (current?.phase !== phase) {
        current?.progress[Symbol.dispose]();
        current = { phase, progress: startProgress({ ...options, label: phase }) };
      }
      current.progress.show(done, total);
    },
    [Symbol.dispose]() {
      current?.progress[Symbol.dispose]();
      current = undefined;
    },
  };
}

function progressLine(
  label: string,
  done: number,
  total: number | undefined,
  elapsedMs: number,
  note: string | undefined,
): string {
  const parts = [label];
  const isBounded = total !== undefined && total > 0;
  if (isBounded) parts.push(`${Math.min(100, Math.floor((100 * done) / total))} %`);
  parts.push(isBounded ? `${formatSize(done)} of ${formatSize(total)}` : formatSize(done));
  if (elapsedMs >= settledMs && done > 0) {
    const rate = (done * 1000) / elapsedMs;
    parts.push(`${formatSize(rate)}/s`);
    if (isBounded && done < total) parts.push(`${formatDuration((total - done) / rate)} left`);
  }
  if (note !== undefined) parts.push(note);
  return parts.join('  ');
}
