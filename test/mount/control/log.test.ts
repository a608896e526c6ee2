import { describe, expect, it } from 'vitest';
import { BundleError } from '../../../src/ground/errors.ts';
import { chooseLogFormat, createLog, type LogFormat } from '../../../src/mount/control/log.ts';

function linesOf(format: LogFormat): string[] {
  const lines: string[] = [];
  const now = (): Date => new Date('2026-01-02T03:04:05.678Z');
  const log = createLog({ format, now, write: (line) => lines.push(line) });
  log.info('new generation published', { generation: 2, reason: 'image event: tag', absent: undefined });
  log.warn('two\nlines');
  log.error(
    new BundleError('block-missing', 'Cannot read "b"', { hint: 'Build it again.' }),
    '/images.tar.xz',
  );
  return lines;
}

describe('createLog', () => {
  it('writes lines for people, each of them one line', () => {
    expect(linesOf('text')).toEqual([
      '2026-01-02T03:04:05.678Z info    new generation published  generation=2 reason="image event: tag"',
      '2026-01-02T03:04:05.678Z warning two | lines',
      '2026-01-02T03:04:05.678Z error   Cannot read "b"  code=block-missing hint="Build it again." path=/images.tar.xz',
    ]);
  });

  it('writes one JSON object a line for machines', () => {
    expect(linesOf('json').map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        time: '2026-01-02T03:04:05.678Z',
        level: 'info',
        message: 'new generation published',
        generation: 2,
        reason: 'image event: tag',
      },
      { time: '2026-01-02T03:04:05.678Z', level: 'warning', message: 'two\nlines' },
      {
        time: '2026-01-02T03:04:05.678Z',
        level: 'error',
        message: 'Cannot read "b"',
        code: 'block-missing',
        hint: 'Build it again.',
        path: '/images.tar.xz',
      },
    ]);
  });

  it('writes severities and no time for the journal', () => {
    expect(linesOf('journal').map((line) => line.slice(0, 20))).toEqual([
      '<6>new generation pu',
      '<4>two | lines',
      '<3>Cannot read "b"  ',
    ]);
  });
});

it('chooseLogFormat takes the journal’s form under systemd only, and never in the place of JSON', () => {
  expect(chooseLogFormat('text', {})).toBe('text');
  expect(chooseLogFormat('text', { JOURNAL_STREAM: '8:12' })).toBe('journal');
  expect(chooseLogFormat('json', { JOURNAL_STREAM: '8:12' })).toBe('json');
});
