import type { Readable, Writable } from 'node:stream';

/** A message may carry the largest call there is: 100 memories of 100,000 characters. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
const LINE_FEED = 0x0a;

/** Takes one line; undefined stands for a line that is larger than the limit. */
export type TakeLine = (line: Buffer | undefined) => void;

/** The lines of a client, kept until they are taken: the start takes the first, the server the rest. */
export class ClientInput {
  readonly #input: Readable;
  readonly #lines = new LineBuffer(MAX_MESSAGE_BYTES);
  readonly #waiting: (Buffer | undefined)[] = [];
  #take: TakeLine | undefined;

  constructor(input: Readable) {
    this.#input = input;
    input.on('data', this.#receive).once('end', this.#receiveRest);
  }

  /** Gives the waiting lines at once and each later one when it comes, in place of the function before. */
  deliverTo(take: TakeLine): void {
    this.#take = take;
    for (const line of this.#waiting.splice(0)) this.#deliver(line);
  }

  /** Keeps a line and all later ones for the next function. */
  keepFrom(line: Buffer | undefined): void {
    this.#take = undefined;
    this.#waiting.push(line);
  }

  /** True when lines wait for a function. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  close(): void {
    this.#input.off('data', this.#receive).off('end', this.#receiveRest);
    this.#lines.clear();
  }

  readonly #receive = (chunk: Buffer): void => {
    for (const line of this.#lines.add(chunk)) this.#deliver(line);
  };

  /** The last line may lack its line feed. */
  readonly #receiveRest = (): void => {
    for (const line of this.#lines.end()) this.#deliver(line);
  };

  #deliver(line: Buffer | undefined): void {
    if (this.#take === undefined) this.#waiting.push(line);
    else this.#take(line);
  }
}

/** Gathers the bytes of lines; each byte is looked at once, however large the line is. */
class LineBuffer {
  readonly #limit: number;
  #parts: Buffer[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @returns the lines that are whole now; undefined for one that is larger than the limit */
  add(chunk: Buffer): (Buffer | undefined)[] {
    const lines: (Buffer | undefined)[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      this.#keep(chunk.subarray(start, end));
      lines.push(...this.end());
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
    return lines;
  }

  /** @returns the line that has begun, if one has */
  end(): (Buffer | undefined)[] {
    const line = this.#size > this.#limit ? undefined : Buffer.concat(this.#parts);
    this.clear();
    return line?.length === 0 ? [] : [line];
  }

  clear(): void {
    this.#parts = [];
    this.#size = 0;
  }

  #keep(part: Buffer): void {
    this.#size += part.length;
    if (this.#size > this.#limit) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part);
  }
}

const PARENT_CHECK_MS = 500;
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Two ways in which a client leaves. Each promise resolves once; a killed process may never see the end of input. */
export interface Departure {
  /** The client sends nothing more, and may still read: the end of stdin, or any of `killed`. */
  readonly silent: Promise<void>;
  /**
   * The client is gone: a signal, a closed pipe, or the death of the parent, which alone would not show where another
   * process holds our pipes open. A second signal ends the process at once.
   */
  readonly killed: Promise<void>;
}

/** Watches from now on. */
export function watchClient(input: Readable, output: Writable): Departure {
  const killed = new Promise<void>((resolve) => {
    const done = (): void => {
      clearInterval(watch);
      resolve();
    };
    const parent = process.ppid;
    const watch = setInterval(() => {
      if (process.ppid !== parent) done();
    }, PARENT_CHECK_MS).unref();
    output.once('error', done);
    for (const signal of SIGNALS) process.once(signal, done);
  });
  const ended = new Promise<void>((resolve) => {
    for (const event of ['end', 'close', 'error']) {
      input.once(event, () => {
        resolve();
      });
    }
  });
  return { silent: Promise.race([ended, killed]), killed };
}
