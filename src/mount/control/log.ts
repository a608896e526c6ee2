/** What a mount writes down: lines for people, or one JSON object a line for machines. */
import { describeError, isBundleError } from '../../ground/errors.ts';
import { warnLines } from '../../ground/print.ts';

export type LogFormat = 'text' | 'json' | 'journal';

export type LogLevel = 'info' | 'warning' | 'error';

/** What a line says besides its message; stands behind it in text, and as members in JSON. */
export type LogDetails = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  info(message: string, details?: LogDetails): void;
  warn(message: string, details?: LogDetails): void;
  /** Anything thrown; `path` is the file in the mount that it was about. */
  error(error: unknown, path?: string): void;
}

export interface LogOptions {
  readonly format: LogFormat;
  /** Gets a line without its end, as it is before `showText`. */
  readonly write?: (line: string) => void;
  readonly now?: () => Date;
}

/** The severities of sd-daemon(3), in front of lines for the journal. */
const severities = { info: '<6>', warning: '<4>', error: '<3>' } as const satisfies Record<LogLevel, string>;

/** A log on standard error, or where `write` puts its lines. Never in colours. */
export function createLog({ format, write = warnLine, now = () => new Date() }: LogOptions): Log {
  const line = (level: LogLevel, message: string, details: LogDetails): void => {
    write(formatLine(format, level, message, details, now()));
  };
  return {
    info: (message, details = {}) => {
      line('info', message, details);
    },
    warn: (message, details = {}) => {
      line('warning', message, details);
    },
    error: (error, path) => {
      const details = isBundleError(error)
        ? { code: error.code, hint: error.hint, path }
        : { stack: error instanceof Error ? error.stack : undefined, path };
      line('error', describeError(error), details);
    },
  };
}

function warnLine(line: string): void {
  warnLines([line]);
}

/** `text` under a journal: that adds the time by itself, and wants the severity in front. */
export function chooseLogFormat(wanted: 'text' | 'json', environment: NodeJS.ProcessEnv): LogFormat {
  return wanted === 'text' && environment['JOURNAL_STREAM'] !== undefined ? 'journal' : wanted;
}

function formatLine(
  format: LogFormat,
  level: LogLevel,
  message: string,
  details: LogDetails,
  now: Date,
): string {
  const time = now.toISOString();
  if (format === 'json') return JSON.stringify({ time, level, message, ...details });
  const known = Object.entries(details).filter(([, value]) => value !== undefined);
  const behind = known.map(([name, value]) => `${name}=${formatValue(value)}`).join(' ');
  const text = `${message}${behind === '' ? '' : `  ${behind}`}`.replace(/[\r\n]+/g, ' | ');
  return format === 'journal' ? `${severities[level]}${text}` : `${time} ${level.padEnd(7)} ${text}`;
}

function formatValue(value: string | number | boolean | undefined): string {
  return typeof value === 'string' && /[\s"=]/.test(value) ? JSON.stringify(value) : String(value);
}
