/** The table that a benchmark prints: ours, theirs, their ratio, and whether the target is met. */
import type { Measure } from './measure.ts';

/** What a figure must keep to. */
export type Target = { readonly atMost: number } | { readonly atLeast: number };

export interface Row {
  readonly what: string;
  readonly ours: string;
  readonly theirs: string;
  /** What the target is for: ours ÷ theirs, or ours itself. */
  readonly ratio: string;
  readonly target: string;
  /** `yes`, `no`, or empty where there is no target. */
  readonly met: string;
  readonly note: string;
}

export interface RowOptions {
  readonly target?: Target;
  readonly note?: string;
}

/** A row that compares two figures of one unit. */
export function compare(
  what: string,
  [ours, theirs]: readonly [number, number],
  unit: string,
  { target, note = '' }: RowOptions = {},
): Row {
  const ratio = ours / theirs;
  const shown = { what, ours: formatFigure(ours, unit), theirs: formatFigure(theirs, unit), note };
  return { ...shown, ratio: ratio.toFixed(3), ...judge(ratio, target, '') };
}

/** A row with a figure that has a target of its own. */
export function state(
  what: string,
  value: number,
  unit: string,
  { target, note = '' }: RowOptions = {},
): Row {
  return {
    what,
    ours: formatFigure(value, unit),
    theirs: '',
    ratio: '',
    note,
    ...judge(value, target, unit),
  };
}

/** Two rows: wall and CPU time of two runs. */
export function compareRuns(
  what: string,
  [ours, theirs]: readonly [Measure, Measure],
  targets: { readonly wall?: Target; readonly cpu?: Target; readonly note?: string } = {},
): Row[] {
  const { wall, cpu, note } = targets;
  return [
    compare(`${what}: wall`, [ours.wallSeconds, theirs.wallSeconds], 's', {
      ...(wall && { target: wall }),
      ...(note !== undefined && { note }),
    }),
    compare(`${what}: CPU`, [ours.cpuSeconds, theirs.cpuSeconds], 's', { ...(cpu && { target: cpu }) }),
  ];
}

/** The wall time of a run against a target, with its CPU time beside it. */
export function stateRun(what: string, run: Measure, target: Target, note?: string): Row {
  const cpu = `${formatFigure(run.cpuSeconds, 's')} of CPU`;
  return state(what, run.wallSeconds, 's', { target, note: note === undefined ? cpu : `${cpu}; ${note}` });
}

/** The rows of one group as a Markdown table under a heading. */
export function toMarkdown(heading: string, rows: readonly Row[]): string {
  const header = ['what', 'ours', 'theirs', 'ratio', 'target', 'met', ''];
  const cells = rows.map((row) => [row.what, row.ours, row.theirs, row.ratio, row.target, row.met, row.note]);
  const lines = [header, header.map(() => '---'), ...cells].map((row) => `| ${row.join(' | ')} |`);
  return `### ${heading}\n\n${lines.join('\n')}\n`;
}

function judge(value: number, target: Target | undefined, unit: string): Pick<Row, 'target' | 'met'> {
  if (target === undefined) return { target: '', met: '' };
  const isMet = 'atMost' in target ? value <= target.atMost : value >= target.atLeast;
  const limit = 'atMost' in target ? `≤ ${target.atMost}` : `≥ ${target.atLeast}`;
  return { target: unit === '' ? limit : `${limit} ${unit}`, met: isMet ? 'yes' : 'no' };
}

function formatFigure(value: number, unit: string): string {
  const digits = unit === 'bytes' || value >= 1000 ? 0 : value >= 100 ? 1 : value >= 1 ? 2 : 3;
  return unit === '' ? value.toFixed(digits) : `${value.toFixed(digits)} ${unit}`;
}
