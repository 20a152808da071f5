import { FaissMemoryError, type ErrorCode } from './errors/faiss-memory-error.ts';
import { visibleJson, visibleLine } from './util/visible-text.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Named values of an entry. They are printed, so never pass texts of memories, queries or secrets. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/**
 * Writes one entry when its level is high enough.
 * @param event a constant text; values go into the fields
 * @param error a thrown value. For errors about input only the code is printed, because their messages quote the input
 */
export type LogMethod = (event: string, fields?: LogFields, error?: unknown) => void;

/** Writes log entries for the operator of the program. Never throws. */
export interface Logger {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  /** Returns a logger that adds these fields to each entry. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  /** Entries below this level are dropped. */
  readonly level: LogLevel;
  /** text: `<time> <LEVEL> <event> name=value …`. json: one object per line. Default text. */
  readonly format?: 'text' | 'json';
  /** Writes one line with its line feed; default to standard error, because standard output belongs to the protocol. */
  readonly write?: (line: string) => void;
  /** Milliseconds since the epoch; default the system's clock. */
  readonly now?: () => number;
  /** Fields of every entry. */
  readonly fields?: LogFields;
}

const RANKS: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
const MAX_VALUE_LENGTH = 500;
/** Messages of these errors quote user input. */
const QUOTES_INPUT: ReadonlySet<ErrorCode> = new Set(['INVALID_INPUT', 'SECRET_REJECTED']);

const drop: LogMethod = () => undefined;

export function createLogger(options: LoggerOptions): Logger {
  const { level, format = 'text', now = Date.now, fields: ownFields = {} } = options;
  const write = options.write ?? ((line: string) => process.stderr.write(line));
  const render = format === 'json' ? renderJson : renderText;
  const method = (entryLevel: LogLevel): LogMethod => {
    // Each request has a logger of its own, which most often writes nothing.
    if (RANKS[entryLevel] < RANKS[level]) return drop;
    return (event, fields, error) => {
      const withStack = level === 'debug';
      const all = { ...ownFields, ...fields, ...(error === undefined ? {} : errorFields(error, withStack)) };
      try {
        write(`${render({ time: new Date(now()).toISOString(), level: entryLevel, event }, shorten(all))}\n`);
      } catch {
        // The output of the log is closed; the program goes on without it.
      }
    };
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
  return visibleJson({ ...head, ...fields, ...head });
}

function renderText({ time, level, event }: EntryHead, fields: LogFields): string {
  const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${renderValue(value)}`);
  return `${time} ${level.toUpperCase()} ${visibleLine(event)}${pairs.join('')}`;
}

function renderValue(value: LogFields[string]): string {
  if (typeof value !== 'string') return String(value);
  return /^[\w./:@+-]+$/.test(value) ? value : visibleJson(value);
}

/** Drops absent values and cuts long texts. */
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

/** The frames of the stack, without the first lines, which repeat the message. */
function stackOf(error: Error): string | undefined {
  return error.stack
    ?.split('\n')
    .filter((line) => line.startsWith('    at '))
    .map((line) => line.trim())
    .join(' ');
}
