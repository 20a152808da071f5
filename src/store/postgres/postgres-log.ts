import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { EmbeddingModelId } from '../../embedding/embedder.ts';
import { NoSuchError } from '../../errors/people-errors.ts';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
import type {
  Append,
  LogConnections,
  LogEnd,
  LogEntry,
  LogPage,
  PageRequest,
  SharedLog,
  VectorPage,
} from '../shared-log.ts';
import type { SharedDatabase } from '../worker/protocol.ts';
import { OutcomeUnknown, type StatementOptions } from './database.ts';
import { checkVersion } from './migrations.ts';
import { PreparedDatabase } from './prepared-database.ts';
import {
  batchesOf,
  cursorOf,
  memoriesJson,
  notesJson,
  type PageRow,
  toPage,
  toVectorPage,
  type VectorPageRow,
} from './rows.ts';
import { type PageSizes, type Statements, statementsFor } from './statements.ts';

/** Times for one statement. */
const QUICK = { withinMs: 5_000 };
const LONG = { withinMs: 30_000 };
/** Time to find out whether an entry whose answer is missing was stored. */
const RESOLVE_MS = 10_000;
const RESOLVE_PAUSE_MS = 200;

/** The log of one space in PostgreSQL, for one thread. Connects with the first call. Each statement names the space to the policies of the tables. */
export class PostgresLog implements SharedLog {
  readonly location: string;
  readonly space: string;
  readonly #database: PreparedDatabase;
  readonly #ofTeam: boolean;
  readonly #isShared: boolean;
  readonly #statements: Statements;
  readonly #knownModels = new Set<string>();

  /**
   * @param shared connections for the logs of many spaces; absent = of this one alone, which closes them
   * @param sizes only tests give others than the usual ones
   */
  constructor(place: SharedDatabase, shared?: PreparedDatabase, sizes?: PageSizes) {
    const { space, ofTeam = false, asIs } = place;
    this.#database = shared ?? new PreparedDatabase(place, { asIs });
    this.#isShared = shared !== undefined;
    this.#ofTeam = ofTeam;
    this.#statements = statementsFor(place.schema, sizes);
    this.location = this.#database.location;
    this.space = space;
  }

  get connections(): LogConnections {
    return this.#database.connections;
  }

  get isSilent(): boolean {
    return this.#database.isSilent;
  }

  noteSilence(): void {
    this.#database.noteSilence();
  }

  async head(): Promise<LogEnd> {
    const { head, headInUse } = this.#statements;
    const [row] = await this.#run(this.#ofTeam ? headInUse : head, [this.space]);
    checkVersion(Number(row?.['version']), this.#database);
    const { sequence, commit_id: commit, is_copy: isCopy, time } = row ?? {};
    const isThere = typeof sequence === 'string';
    if (!isThere && this.#ofTeam && isCopy !== true) throw new NoSuchError('space', this.space);
    return {
      head: isThere ? { sequence: Number(sequence), commit: String(commit) } : null,
      isCopy: isCopy === true,
      time: Number(time),
    };
  }

  async create(machine: string): Promise<void> {
    await this.#run(this.#statements.create, [this.space, machine]);
  }

  async page({ after, afterChange, textsOnly = false }: PageRequest): Promise<LogPage | null> {
    const { page, texts } = this.#statements;
    const [row] = await this.#run(textsOnly ? texts : page, [this.space, after, afterChange], LONG);
    // The columns are those of the statement.
    return row === undefined ? null : toPage(row as PageRow);
  }

  async vectors(from: string | null): Promise<VectorPage> {
    const [row] = await this.#run(this.#statements.vectors, [this.space, ...cursorOf(from)], LONG);
    // The columns are those of the statement, which has one row.
    return toVectorPage(row as VectorPageRow);
  }

  async append(entry: LogEntry): Promise<boolean> {
    await this.#addModels(entry);
    const batches = batchesOf(entry.memories);
    if (batches.length > 1) {
      // It must not wait for a store that holds the space and waits for the caller's file.
      return (await this.#locked(this.#statements.tryLock, (append) => append(entry))) ?? false;
    }
    const memories = memoriesJson(batches[0] ?? []);
    return this.#sure(
      () => entry,
      async () => {
        const parameters = [...this.#headOf(entry), memories];
        return (
          (await this.#database.change(this.#statements.append, parameters, this.#scoped(LONG))).length === 1
        );
      },
    );
  }

  async exclusively<Result>(work: (append: Append) => Promise<Result>): Promise<Result> {
    const result = await this.#locked(this.#statements.lock, async (append) => ({
      value: await work(append),
    }));
    if (result === undefined) throw this.#lost();
    return result.value;
  }

  async lease(name: string, holder: string, milliseconds: number): Promise<boolean> {
    const { lease, endLease } = this.#statements;
    if (milliseconds > 0)
      return (await this.#run(lease, [this.space, name, holder, milliseconds])).length === 1;
    await this.#run(endLease, [this.space, name, holder]);
    return true;
  }

  async close(): Promise<void> {
    if (!this.#isShared) await this.#database.close();
  }

  /** @returns undefined when the space is locked or not there, or when the entry was not stored */
  async #locked<Result>(
    lock: string,
    work: (append: Append) => Promise<Result>,
  ): Promise<Result | undefined> {
    let sent: LogEntry | undefined;
    let result: Result | undefined;
    const transaction = (): Promise<boolean> =>
      this.#database.transaction(async (statement) => {
        if ((await statement(lock, [this.space])).length === 0) return false;
        result = await work(async (entry) => {
          await this.#addModels(entry);
          if ((await statement(this.#statements.begin, this.#headOf(entry))).length === 0) return false;
          for (const batch of batchesOf(entry.memories)) {
            await statement(this.#statements.addMemories, [this.space, entry.after + 1, memoriesJson(batch)]);
          }
          sent = entry;
          return true;
        });
        return true;
      }, this.#scoped(LONG));
    return (await this.#sure(() => sent, transaction)) ? result : undefined;
  }

  /** Runs the append of an entry, and finds out how it ended when the answer is missing. */
  async #sure(sent: () => LogEntry | undefined, append: () => Promise<boolean>): Promise<boolean> {
    try {
      return await append();
    } catch (error) {
      if (!(error instanceof OutcomeUnknown)) throw error;
      const entry = sent();
      if (entry === undefined) throw this.#database.unreachable(error);
      return this.#resolve(entry, error);
    }
  }

  /**
   * Looks for the entry. When it is not there, an empty entry takes its number, so that it cannot arrive later.
   * @returns whether it was stored
   */
  async #resolve(entry: LogEntry, lost: Error): Promise<boolean> {
    const end = performance.now() + RESOLVE_MS;
    for (;;) {
      try {
        return await this.#settleOutcome(entry);
      } catch (error) {
        if (performance.now() >= end) throw this.#unknown(error instanceof OutcomeUnknown ? lost : error);
        await delay(RESOLVE_PAUSE_MS);
      }
    }
  }

  #settleOutcome({ after, afterCommit, commit }: LogEntry): Promise<boolean> {
    const { lock, findEntry, skip } = this.#statements;
    return this.#database.transaction(async (statement) => {
      await statement(lock, [this.space]);
      const found = await statement(findEntry, [this.space, after + 1, commit]);
      if (found.length === 0) await statement(skip, [this.space, after, randomUUID(), afterCommit]);
      return found.length === 1;
    }, this.#scoped(QUICK));
  }

  #headOf({ after, afterCommit, commit, machine, change, clock, notes }: LogEntry): unknown[] {
    const state = [machine, change, JSON.stringify(clock), notesJson(notes)];
    return [this.space, after, commit, ...state, afterCommit];
  }

  #run(sql: string, parameters: readonly unknown[], options = QUICK): ReturnType<PreparedDatabase['run']> {
    return this.#database.run(sql, parameters, this.#scoped(options));
  }

  #scoped(options: { readonly withinMs: number }): StatementOptions {
    return { ...options, space: this.space };
  }

  /** Models are few and the same for all spaces, so they are not part of an entry. */
  async #addModels({ memories }: LogEntry): Promise<void> {
    for (const { vectors } of memories) {
      for (const { modelId } of vectors) {
        const key = keyOf(modelId);
        if (this.#knownModels.has(key)) continue;
        const { dimension, weightsHash } = modelId;
        await this.#run(this.#statements.addModel, [modelId.modelId, dimension, weightsHash]);
        this.#knownModels.add(key);
      }
    }
  }

  #unknown(cause: unknown): StoreUnavailableError {
    return new StoreUnavailableError(
      `The connection to the database ${this.location} was lost while a change was being stored, and it does not come back`,
      { fix: 'Check whether the change was stored before you repeat it.', retryable: true, cause },
    );
  }

  #lost(): StoreUnavailableError {
    return new StoreUnavailableError(
      `The connection to the database ${this.location} was lost; this change was not stored`,
      { fix: 'Try again.', retryable: true },
    );
  }
}

function keyOf({ modelId, dimension, weightsHash }: EmbeddingModelId): string {
  return `${modelId} ${dimension} ${weightsHash}`;
}
