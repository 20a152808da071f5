import type {
  LogConnections,
  LogEnd,
  LogEntry,
  LogPage,
  PageRequest,
  SharedLog,
  VectorPage,
} from '../../src/store/shared-log.ts';

/** Called in the middle of a call. What it waits for delays the call. */
export interface LogHooks {
  /** After the answer was read, before the store has it. */
  headRead?: () => Promise<void> | void;
  pageRead?: () => Promise<void> | void;
  vectorsRead?: () => Promise<void> | void;
  appending?: () => Promise<void> | void;
  silenceNoted?: () => void;
}

/** A real log whose answers a test can hold back. */
export class HookedLog implements SharedLog {
  readonly hooks: LogHooks = {};
  /** True = reads wait only for a moment, as after a silence. */
  isSilent = false;
  readonly #log: SharedLog;

  constructor(log: SharedLog) {
    this.#log = log;
  }

  get connections(): LogConnections {
    return this.#log.connections;
  }

  get location(): string {
    return this.#log.location;
  }

  get space(): string {
    return this.#log.space;
  }

  noteSilence(): void {
    this.hooks.silenceNoted?.();
  }

  async head(): Promise<LogEnd> {
    const end = await this.#log.head();
    await this.hooks.headRead?.();
    return end;
  }

  async page(request: PageRequest): Promise<LogPage | null> {
    const page = await this.#log.page(request);
    await this.hooks.pageRead?.();
    return page;
  }

  async append(entry: LogEntry): Promise<boolean> {
    await this.hooks.appending?.();
    return this.#log.append(entry);
  }

  create(machine: string): Promise<void> {
    return this.#log.create(machine);
  }

  async vectors(from: string | null): Promise<VectorPage> {
    const page = await this.#log.vectors(from);
    await this.hooks.vectorsRead?.();
    return page;
  }

  exclusively<Result>(work: (append: SharedLog['append']) => Promise<Result>): Promise<Result> {
    return this.#log.exclusively(work);
  }

  lease(name: string, holder: string, milliseconds: number): Promise<boolean> {
    return this.#log.lease(name, holder, milliseconds);
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
