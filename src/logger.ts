import { FaissMemoryError, type ErrorCode } from './errors/faiss-memory-error.ts';
import { printable } from './util/text.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Named facts of an entry. Never put texts of memories, queries or secrets here: what is given is printed. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/**
 * Writes one entry when its level is high enough.
 * @param event what happened, in constant words; values belong into the fields
 * @param error anything that was thrown; of errors about input only the code is printed, for they quote it
 */
export type LogMethod = (event: string, fields?: LogFields, error?: unknown) => void;

/** Tells the person who runs the program what happens. Never throws. */
export interface Logger {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  /** A logger that adds these fields to each entry. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  /** Entries below it are dropped. */
  readonly level: LogLevel;
  /** text: `<time> <LEVEL> <event> name=value …`. json: one object a line. Default text. */
  readonly format?: 'text' | 'json';
  /** Takes one line with its line feed; default standard error, because standard output belongs to the protocol. */
  readonly write?: (line: string) => void;
  /** Milliseconds since the epoch; default the system's clock. */
  readonly now?: () => number;
  /** In each entry. */
  readonly fields?: LogFields;
}

const RANKS: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
const MAX_VALUE_LENGTH = 500;
/** Messages of these errors quote what a user wrote. */
const QUOTES_INPUT: ReadonlySet<ErrorCode> = new Set(['INVALID_INPUT', 'SECRET_REJECTED']);

export function createLogger(options: LoggerOptions): Logger {
  const { level, format = 'text', now = Date.now, fields: ownFields = {} } = options;
  const write = options.write ?? ((line: string) => process.stderr.write(line));
  const render = format === 'json' ? renderJson : renderText;
  const method =
    (entryLevel: LogLevel): LogMethod =>
    (event, fields, error) => {
      if (RANKS[entryLevel] < RANKS[level]) return;
      const withStack = level === 'debug';
      const all = { ...ownFields, ...fields, ...(error === undefined ? {} : errorFields(error, withStack)) };
      try {
        write(`${render({ time: new Date(now()).toISOString(), level: entryLevel, event }, shorten(all))}\n`);
      } catch {
        // The reader of the log has gone; the program goes on without it.
      }
    };
  return {
    debug: method('debug'),
    info: method('info'),
    warn: method('warn'),
    error: method('error'),
    child: (fields) => createLogger({ ...options, fields: { ...ownFields, ...fields } }),
  };
}

interface EntryHead {
  readonly time: string;
  readonly level: LogLevel;
  readonly event: string;
}

function renderJson(head: EntryHead, fields: LogFields): string {
  return JSON.stringify({ ...head, ...fields, ...head });
}

function renderText({ time, level, event }: EntryHead, fields: LogFields): string {
  const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${renderValue(value)}`);
  return `${time} ${level.toUpperCase()} ${oneLine(event)}${pairs.join('')}`;
}

function renderValue(value: LogFields[string]): string {
  if (typeof value !== 'string') return String(value);
  return /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(printable(value));
}

function oneLine(text: string): string {
  return printable(text).replaceAll('\n', ' ');
}

/** Without absent values, with long texts cut. */
function shorten(fields: LogFields): LogFields {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    given.map(([name, value]) => [name, typeof value === 'string' ? cut(value) : value]),
  );
}

function cut(text: string): string {
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
}

function errorFields(error: unknown, withStack: boolean): LogFields {
  if (!(error instanceof Error)) return { error: `a thrown ${typeof error}` };
  if (error instanceof FaissMemoryError && QUOTES_INPUT.has(error.code)) {
    return { error: error.name, code: error.code };
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const cause = error.cause instanceof Error ? error.cause.message : undefined;
  return {
    error: error.name,
    code,
    message: error.message,
    cause,
    stack: withStack ? stackOf(error) : undefined,
  };
}

/** The places only: the first lines repeat the message. */
function stackOf(error: Error): string | undefined {
  return error.stack
    ?.split('\n')
    .filter((line) => line.startsWith('    at '))
    .map((line) => line.trim())
    .join(' ');
}
