import { createInterface } from 'node:readline/promises';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { printable } from '../util/text.ts';
import type { Host } from './host.ts';
import { createProgress, type Progress } from './progress.ts';

/** What a command has to say: the same facts for programs and for people. */
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

  async result({ data, text }: CommandResult): Promise<void> {
    await this.raw(this.json ? `${JSON.stringify(data, undefined, 2)}\n` : `${printable(text)}\n`);
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
    this.#host.stderr.write(`${printable(text)}\n`);
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
    const document = `${JSON.stringify({ error: { code, message, ...(fix === undefined ? {} : { fix }) } }, undefined, 2)}\n`;
    if (toStderr) this.#host.stderr.write(document);
    else await this.raw(document);
  }

  /** Asks on stderr; only "y" and "yes" agree. Call it only when `interactive`. */
  async confirm(question: string, signal: AbortSignal): Promise<boolean> {
    const reader = createInterface({ input: this.#host.stdin, output: this.#host.stderr });
    try {
      const answer = await reader.question(`${printable(question)} [y/N] `, { signal });
      return /^y(es)?$/i.test(answer.trim());
    } finally {
      reader.close();
    }
  }
}

interface ErrorDescription {
  readonly code: string;
  readonly message: string;
  readonly fix: string | undefined;
}

function describeError(error: unknown): ErrorDescription {
  if (error instanceof FaissMemoryError) return { code: error.code, message: error.message, fix: error.fix };
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'INTERNAL',
    message,
    fix: 'Run "faiss-memory doctor"; if it finds nothing, please report this.',
  };
}
