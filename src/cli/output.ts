import { messageNaming } from '../api/errors.ts';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { visibleJson, visibleLine, visibleText } from '../util/visible-text.ts';
import type { Host, HostOutput } from './host.ts';
import { reasonOf } from '../util/caught.ts';

/** The result of a command: the same facts for programs and for people. */
export interface CommandResult {
  /** Printed as JSON with `--json`. */
  readonly data: unknown;
  /** Printed otherwise; lines without an end. */
  readonly text: string;
}

/**
 * The only writer to stdout and stderr. Results go to stdout, everything else to stderr; with `--json` stdout
 * holds exactly one JSON document, the result or `{"error": {code, message, fix}}`.
 */
export class Output {
  readonly #host: Host;
  #advised = false;
  /** True with `--json`. */
  readonly json: boolean;

  constructor(host: Host, options: { json: boolean }) {
    this.#host = host;
    this.json = options.json;
  }

  get columns(): number {
    return this.#host.stdout.columns ?? 100;
  }

  /** True when a person can be asked. */
  get interactive(): boolean {
    return this.#host.stdin.isTTY === true && this.#host.stderr.isTTY === true;
  }

  /** True when a person sees the progress of a command. */
  get watched(): boolean {
    return this.#host.stderr.isTTY === true && !this.json;
  }

  async result({ data, text }: CommandResult): Promise<void> {
    this.#advised ||= advises(text);
    await this.raw(`${this.json ? visibleJson(data, 2) : visibleText(text)}\n`);
  }

  /** Says once, after advice to run a command, which flags of this command it needs too. */
  repeatFlags(flags: readonly string[]): void {
    if (!this.#advised || this.json || flags.length === 0) return;
    const repeated = flags.map((flag) => quotedArgument(flag, this.#host.platform)).join(' ');
    this.note(`Give a command that is named here the flags of this one too: ${repeated}`);
  }

  /** Writes bytes that are the result themselves, waiting while the reader is slow. */
  async raw(text: string): Promise<void> {
    const { stdout } = this.#host;
    if (text === '' || stdout.destroyed) return;
    await new Promise<void>((resolve) => {
      // A failed write is reported by the stream's error event; here it only must not hang.
      stdout.write(text, () => {
        resolve();
      });
    });
  }

  /** A remark on stderr. */
  note(text: string): void {
    this.#advised ||= advises(text);
    this.#host.stderr.write(`${visibleText(text)}\n`);
  }

  progress(title: string): Progress {
    return createProgress(title, this.#host.stderr);
  }

  /** @param toStderr where stdout belongs to data or to a protocol */
  async error(error: unknown, toStderr = false): Promise<void> {
    const { code, message, fix } = describeError(error);
    if (!this.json) {
      this.note(fix === undefined ? `Error: ${message}` : `Error: ${message}\nFix: ${fix}`);
      return;
    }
    const document = `${visibleJson({ error: { code, message, ...(fix === undefined ? {} : { fix }) } }, 2)}\n`;
    if (toStderr) this.#host.stderr.write(document);
    else await this.raw(document);
  }

  /** Asks on stderr; only "y" and "yes" agree. Call it only when `interactive`. */
  async confirm(question: string, signal: AbortSignal): Promise<boolean> {
    return /^y(es)?$/i.test(await this.ask(`${question} [y/N] `, signal));
  }

  /**
   * Asks for a line of text on stderr. Call it only when `interactive`.
   * @returns without spaces at both ends; empty when the input ends without an answer
   */
  async ask(question: string, signal: AbortSignal): Promise<string> {
    // Loaded late, because a server that a client starts asks nothing.
    const { createInterface } = await import('node:readline/promises');
    const reader = createInterface({ input: this.#host.stdin, output: this.#host.stderr });
    const ended = new Promise<string>((resolve) => {
      reader.once('close', () => {
        resolve('');
      });
    });
    try {
      const answer = await Promise.race([reader.question(visibleLine(question), { signal }), ended]);
      return answer.trim();
    } finally {
      reader.close();
    }
  }
}

/** True for a text that names a command line between quotation marks. */
function advises(text: string): boolean {
  return text.includes('"faiss-memory ');
}

/** A word of a command line as the usual shell of the platform reads it. */
function quotedArgument(word: string, platform: NodeJS.Platform): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return platform === 'win32' ? `"${word}"` : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

interface ErrorDescription {
  readonly code: string;
  readonly message: string;
  readonly fix: string | undefined;
}

function describeError(error: unknown): ErrorDescription {
  if (error instanceof FaissMemoryError) {
    return { code: error.code, message: messageNaming(error, 'options'), fix: error.fix };
  }
  const message = reasonOf(error);
  return {
    code: 'INTERNAL',
    message: visibleLine(message),
    fix: 'Run "faiss-memory doctor"; if it finds nothing, please report this.',
  };
}

export interface ProgressCount {
  readonly done: number;
  /** Undefined while unknown. */
  readonly total?: number | undefined;
}

/** Shows how far a long command is. Call `finish` before anything else is printed. */
export interface Progress {
  update(count: ProgressCount): void;
  finish(): void;
}

const TERMINAL_INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 5_000;
const BAR_WIDTH = 24;

/** On a terminal one line that is redrawn; elsewhere a plain line every few seconds. */
function createProgress(
  title: string,
  stream: HostOutput,
  now: () => number = () => performance.now(),
): Progress {
  const terminal = stream.isTTY === true;
  const interval = terminal ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS;
  const started = now();
  let shownAt = terminal ? -Infinity : started;
  let drawn = false;
  return {
    update: (count) => {
      if (now() - shownAt < interval) return;
      shownAt = now();
      const line = `${visibleLine(title)} ${describe(count, (shownAt - started) / 1_000)}`;
      stream.write(terminal ? `\r\u001B[2K${line}` : `${line}\n`);
      drawn = true;
    },
    finish: () => {
      if (terminal && drawn) stream.write('\r\u001B[2K');
    },
  };
}

function describe({ done, total }: ProgressCount, seconds: number): string {
  if (total === undefined || total === 0) return String(done);
  const share = Math.min(1, done / total);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = '#'.repeat(filled) + '-'.repeat(BAR_WIDTH - filled);
  const left = done > 0 && seconds > 1 ? `, about ${duration((seconds / done) * (total - done))} left` : '';
  return `[${bar}] ${Math.floor(share * 100)}% ${done} of ${total}${left}`;
}

function duration(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
