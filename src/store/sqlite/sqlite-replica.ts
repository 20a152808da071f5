import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import type { MemoryState, OwnCommit, SeenCommit } from '../../backup/ports.ts';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
import type { JsonValue } from '../../memory/version.ts';
import { DATABASE_NAME } from '../memory-store.ts';
import type { OpenedView, ReplicaCalls, StatePage } from '../worker/protocol.ts';
import type {
  ApplyRequest,
  ChangeReport,
  ReplicaIdentity,
  VectorRepair,
  VectorReport,
} from '../replica-store.ts';
import { applyStaged } from './apply-staged.ts';
import { MergeSteps, readSettledDigests, type StepParts } from './merge-steps.ts';
import { findAttempt, findSeen, readNote, recordAttempt, recordSeen, writeNote } from './notes.ts';
import { readTotals } from './totals.ts';
import { copyDatabase } from './migrations.ts';
import { takeNewIdentity } from './new-identity.ts';
import { implausibleCounters, repairVector } from './repair-vector.ts';
import { readFacts, ReplicaView, ViewConnections } from './replica-view.ts';
import { toStoreError } from './sqlite-errors.ts';
import { StagingFile } from './staging-file.ts';
import type { StoreFile } from './store-file.ts';

export interface SqliteReplicaSettings extends Pick<StepParts, 'sizes'> {
  /** The database file, which the memory store of this thread owns and closes. */
  readonly file: StoreFile;
  /** Folder of the database. */
  readonly dataDir: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** The calls of backup and sync on one SQLite file, for one thread. */
export class SqliteReplica implements ReplicaCalls {
  readonly #file: StoreFile;
  readonly #dataDir: string;
  readonly #now: () => number;
  readonly #steps: MergeSteps;
  readonly #connections = new ViewConnections();
  readonly #views = new Map<number, ReplicaView>();
  #stage: { readonly name: number; readonly file: StagingFile } | null = null;
  /** Starts at a random number, so that a name from a thread that died is unknown to the next one. */
  #lastName = randomInt(2 ** 47);

  constructor({ file, dataDir, now, ...steps }: SqliteReplicaSettings) {
    this.#file = file;
    this.#dataDir = dataDir;
    this.#now = now;
    this.#steps = new MergeSteps({ file, now, ...steps });
  }

  identity(): Promise<ReplicaIdentity> {
    return this.#file.readWhole((connection) => {
      const { machine, sequence, conflicts } = readTotals(connection);
      return { machine, sequence, conflicts, ...readFacts(connection), ...readSettledDigests(connection) };
    });
  }

  finishMerge(): Promise<void> {
    return this.#steps.finish((name) => this.#guarded(() => StagingFile.reopen(this.#dataDir, name)));
  }

  lease(name: string, holder: string, milliseconds: number): Promise<boolean> {
    return this.#file.shared?.lease(name, holder, milliseconds) ?? Promise.resolve(true);
  }

  async openView(): Promise<OpenedView> {
    await this.finishMerge();
    // A read creates the database when there is none yet.
    const path = await this.#file.readWhole((connection) => connection.path);
    return this.#guarded(() => {
      const view = ++this.#lastName;
      const opened = new ReplicaView(this.#connections.take(path));
      try {
        const description = { view, ...opened.describe() };
        this.#views.set(view, opened);
        return description;
      } catch (error) {
        opened.close().close();
        throw error;
      }
    });
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- errors must become rejections
  async readView(view: number, after: number): Promise<StatePage> {
    const opened = this.#views.get(view);
    if (opened === undefined) throw this.#gone('view');
    return this.#guarded(() => opened.page(after));
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- errors must become rejections
  async closeView(view: number): Promise<void> {
    const opened = this.#views.get(view);
    this.#views.delete(view);
    this.#guarded(() => {
      if (opened !== undefined) this.#connections.giveBack(opened.close());
    });
  }

  async beginStage(): Promise<number> {
    await this.finishMerge();
    return this.#guarded(() => {
      this.#stage?.file.close();
      this.#stage = null;
      this.#stage = { name: ++this.#lastName, file: StagingFile.create(this.#dataDir) };
      return this.#stage.name;
    });
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- errors must become rejections
  async addToStage(stage: number, states: readonly MemoryState[]): Promise<void> {
    const file = this.#staged(stage);
    this.#guarded(() => {
      file.add(states);
    });
  }

  async applyStage(stage: number, how: 'merge' | 'restore', request: ApplyRequest): Promise<ChangeReport> {
    const staging = this.#staged(stage);
    const report =
      how === 'merge' && (await this.#steps.fits(staging, request))
        ? await this.#steps.merge(staging, request)
        : await this.#file.write((connection) =>
            applyStaged({ connection, now: this.#now(), staging, how, request }),
          );
    // The write-ahead log still has pages with erased content.
    if (report.applied) this.#file.truncateLog();
    return report;
  }

  endStage(stage: number): Promise<void> {
    if (this.#stage?.name === stage) {
      this.#stage.file.close();
      this.#stage = null;
    }
    return Promise.resolve();
  }

  async takeNewIdentity(machine: string, lastSharedWrite: number): Promise<string> {
    await this.finishMerge();
    return this.#file.write((connection) => takeNewIdentity(connection, machine, lastSharedWrite));
  }

  async repairVector({ fix, ...request }: VectorRepair): Promise<VectorReport> {
    if (fix) await this.finishMerge();
    const found = await this.#file.readWhole((connection) => ({
      counters: implausibleCounters(connection, request.published),
      machine: readTotals(connection).machine,
      path: connection.path,
    }));
    const { path, ...report } = found;
    const needed = found.counters.length > 0 || request.newIdentity;
    if (!fix || !needed) return { ...report, copy: null };
    const copy = this.#guarded(() => this.#copy(path));
    return { ...(await this.#file.write((connection) => repairVector(connection, request))), copy };
  }

  #copy(path: string): string {
    const connection = this.#connections.take(path);
    try {
      return copyDatabase(connection, 'before-repair', this.#now());
    } finally {
      this.#connections.giveBack(connection);
    }
  }

  readNote(name: string): Promise<JsonValue | null> {
    return this.#file.readWhole((connection) => readNote(connection, name));
  }

  writeNote(name: string, value: JsonValue | null): Promise<void> {
    return this.#file.write((connection) => {
      writeNote(connection, name, value);
    });
  }

  recordAttempt(repositoryId: string, commit: OwnCommit): Promise<void> {
    return this.#file.write((connection) => {
      recordAttempt(connection, repositoryId, commit);
    });
  }

  findAttempt(repositoryId: string, commitId: string): Promise<OwnCommit | null> {
    return this.#file.readWhole((connection) => findAttempt(connection, repositoryId, commitId));
  }

  recordSeen(repositoryId: string, machine: string, commit: SeenCommit): Promise<void> {
    return this.#file.write((connection) => {
      recordSeen(connection, { repositoryId, machine }, commit);
    });
  }

  findSeen(repositoryId: string, machine: string): Promise<SeenCommit | null> {
    return this.#file.readWhole((connection) => findSeen(connection, repositoryId, machine));
  }

  /** Closes views and the stage. The memory store closes the file. Idempotent. */
  close(): void {
    for (const view of this.#views.values()) view.close().close();
    this.#views.clear();
    this.#connections.close();
    this.#stage?.file.close();
    this.#stage = null;
  }

  #staged(stage: number): StagingFile {
    if (this.#stage?.name !== stage) throw this.#gone('collected snapshot');
    return this.#stage.file;
  }

  #gone(what: string): StoreUnavailableError {
    return new StoreUnavailableError(`The ${what} of the memory store in ${this.#dataDir} is gone`, {
      fix: 'Try again; nothing was changed.',
      retryable: true,
    });
  }

  #guarded<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw toStoreError(error, join(this.#dataDir, DATABASE_NAME), 0);
    }
  }
}
