import { join } from 'node:path';
import type { EmbeddingModelId } from '../../embedding/embedder.ts';
import type { MemoryFilter } from '../../memory/filter.ts';
import type { FoundMemories, Unused, UnusedRule } from '../../memory/found-record.ts';
import type { Memory, MemoryDraft, MemoryPatch, MemoryWithHistory } from '../../memory/memory.ts';
import type { BestMemories, BestRequest } from '../../memory/reranking.ts';
import { SerialQueue } from '../../util/concurrency.ts';
import { createUuidV7Generator } from '../../util/uuid.ts';
import {
  type AddOptions,
  type AddOutcome,
  type CandidateLists,
  type CandidateRequest,
  type ClaimRequest,
  type ConversationPage,
  type ConversationsRequest,
  DATABASE_NAME,
  type DayCount,
  type EmbeddingWrite,
  type ImportedDraft,
  type ImportOptions,
  type IntegrityOptions,
  INDEX_NAME,
  type IntegrityReport,
  type ListPage,
  type ListRequest,
  type MemoryStore,
  type MemoryVector,
  type PendingEmbedding,
  type StoreStats,
  type TokenMatch,
  type TokenRequest,
  type TokenSpace,
  type Written,
} from '../memory-store.ts';
import type { Connection } from './connection.ts';
import { recount, wrongCounts } from './counts.ts';
import { expiredTurns, listConversations } from './conversations.ts';
import {
  checkEmbeddings,
  claimPending,
  releasePending,
  dropOtherModelVectors,
  mayClaim,
  readVectors,
  storeEmbeddings,
} from './embeddings.ts';
import { readGrowth, readStats } from './stats.ts';
import {
  addMemories,
  deleteMemories,
  findByText,
  importMemories,
  purgeMemories,
  restoreMemories,
  expireTrash,
  hasOldTrash,
  updateMemory,
  type WriteContext,
} from './writes.ts';
import { isOnReadOnlyDisk } from './read-only-disk.ts';
import { readUnused, storeFound } from './found.ts';
import { checkIntegrity } from './integrity.ts';
import { expireHidden, hasOldHidden } from './hidden.ts';
import { listPage, matchingIds } from './list.ts';
import { readMemories, readWithHistory } from './rows.ts';
import { Search } from './search.ts';
import { SqliteReplica, type SqliteReplicaSettings } from './sqlite-replica.ts';
import { StoreFile, type StoreFileSettings } from './store-file.ts';
import { keepsOnly, keepTokens, matchTokens } from './token-vectors.ts';
import { VectorSearch, type CreateVectorIndex } from './vector-search.ts';
import { WordSearch } from './word-search.ts';
import { mergeStep, MOST_STEPS, wantsOneSegment } from './word-segments.ts';

export interface SqliteMemoryStoreSettings extends Omit<StoreFileSettings, 'path'> {
  /** Folder of the database; created with mode 0700 when absent. */
  readonly dataDir: string;
  /** Called on the first search by vector. The store disposes of the index. */
  readonly createVectorIndex: CreateVectorIndex;
  /** Of merges in steps. Only tests give others than the usual ones. */
  readonly stepSizes?: SqliteReplicaSettings['sizes'];
}

/** A memory store on one SQLite file, for one thread. The constructor touches no file. */
export class SqliteMemoryStore implements MemoryStore {
  /** The calls of backup and sync on the same file. `close` of the store closes it too. */
  readonly replica: SqliteReplica;
  readonly #file: StoreFile;
  readonly #words = new WordSearch();
  readonly #vectors: VectorSearch;
  /** Searches by vector run one after the other, because they share one index. */
  readonly #vectorTurns = new SerialQueue();
  readonly #now: () => number;
  readonly #newId: () => string;

  constructor({ dataDir, createVectorIndex, stepSizes, ...settings }: SqliteMemoryStoreSettings) {
    const name = settings.log === undefined ? DATABASE_NAME : INDEX_NAME;
    this.#file = new StoreFile({ ...settings, path: join(dataDir, name) });
    this.#vectors = new VectorSearch(createVectorIndex);
    this.replica = new SqliteReplica({
      file: this.#file,
      dataDir,
      now: () => this.#now(),
      sizes: stepSizes,
    });
    const { shared } = this.#file;
    this.#now = shared === null ? settings.now : () => shared.now();
    this.#newId = createUuidV7Generator(this.#now);
  }

  /** Opens the file before the first call, unless there is none yet. */
  async openExisting(): Promise<void> {
    if (this.#file.shared !== null) await this.#file.shared.read(() => ({ result: undefined }));
    else if (this.#file.exists) await this.#file.readQuietly(() => undefined);
  }

  add(drafts: readonly MemoryDraft[], options: AddOptions = {}): Promise<AddOutcome[]> {
    return this.#write((context) => addMemories(context, drafts, { ...options, newId: this.#newId }));
  }

  import(drafts: readonly MemoryDraft[], options: ImportOptions = {}): Promise<ImportedDraft[]> {
    return this.#write((context) => importMemories(context, drafts, { ...options, newId: this.#newId }));
  }

  get(ids: readonly string[]): Promise<MemoryWithHistory[]> {
    return this.#file.read((connection, age) =>
      readWithHistory(connection, ids).map((memory) => ({ ...memory, ...stale(age) })),
    );
  }

  findByText(text: string): Promise<Memory | null> {
    return this.#file.read((connection) => findByText(connection, text));
  }

  getCurrent(ids: readonly string[]): Promise<Memory[]> {
    return this.#file.read((connection) => readMemories(connection, ids));
  }

  update(id: string, patch: MemoryPatch): Promise<Written> {
    return this.#write((context) => updateMemory(context, id, patch));
  }

  delete(ids: readonly string[]): Promise<number> {
    return this.#write((context) => deleteMemories(context, ids));
  }

  restore(ids: readonly string[]): Promise<Memory[]> {
    return this.#write((context) => restoreMemories(context, ids));
  }

  async purge(ids: readonly string[]): Promise<number> {
    const count = await this.#write((context) => purgeMemories(context, ids));
    // The write-ahead log still has pages with the erased content.
    this.#file.truncateLog();
    return count;
  }

  async expireTrash(olderThanMs: number): Promise<number> {
    // Most of the time there is nothing to do, which costs no write.
    const any = await this.#file.read((connection) =>
      hasOldTrash({ connection, now: this.#now() }, olderThanMs),
    );
    let count = 0;
    for (let more = any; more;) {
      const step = await this.#write((context) => expireTrash(context, olderThanMs));
      count += step.count;
      ({ more } = step);
    }
    if (count > 0) this.#file.truncateLog();
    return count;
  }

  async expireHidden(olderThanMs: number): Promise<number> {
    const before = this.#now() - olderThanMs;
    let count = 0;
    for (let more = await this.#file.read((connection) => hasOldHidden(connection, before)); more;) {
      const step = await this.#write(({ connection }) => expireHidden(connection, before));
      count += step.count;
      ({ more } = step);
    }
    if (count > 0) this.#file.truncateLog();
    return count;
  }

  async expireConversations(olderThanMs: number): Promise<number> {
    const before = this.#now() - olderThanMs;
    let count = 0;
    let ids = await this.#file.read((connection) => expiredTurns(connection, before));
    while (ids.length > 0) {
      count += await this.delete(ids);
      ids = await this.#file.read((connection) => expiredTurns(connection, before));
    }
    return count;
  }

  async mergeWords(): Promise<void> {
    if (isOnReadOnlyDisk(this.#file.path) || !(await this.#file.readQuietly(wantsOneSegment))) return;
    let more = true;
    for (let step = 0; more && step < MOST_STEPS; step += 1) {
      more = await this.#file.write((connection) => mergeStep(connection, step === 0), 'local');
    }
    this.#file.truncateLog();
  }

  conversations(request: ConversationsRequest): Promise<ConversationPage> {
    return this.#file.read((connection) => listConversations(connection, request));
  }

  list(request: ListRequest): Promise<ListPage> {
    return this.#file.read((connection, age) => ({ ...listPage(connection, request), ...stale(age) }));
  }

  matching(filter: MemoryFilter): Promise<string[]> {
    return this.#file.read((connection) => matchingIds(connection, filter));
  }

  candidates(request: CandidateRequest): Promise<CandidateLists> {
    return this.#searching(request, (search, age) => ({ ...search.candidates(request), ...stale(age) }));
  }

  best(request: BestRequest): Promise<BestMemories> {
    return this.#searching(request, (search, age) => ({ ...search.best(request), ...stale(age) }));
  }

  #searching<Result>(
    { vector }: Pick<CandidateRequest, 'vector'>,
    work: (search: Search, age: string | null) => Result,
  ): Promise<Result> {
    const run = (connection: Connection, age: string | null): Result =>
      work(new Search(connection, { words: this.#words, vectors: this.#vectors }), age);
    return vector === undefined ? this.#file.read(run) : this.#withVectors(vector.modelId, run);
  }

  async claimPendingEmbeddings(request: ClaimRequest): Promise<PendingEmbedding[]> {
    const now = this.#now();
    const any = await this.#file.read((connection) => mayClaim(connection, request, now));
    if (!any) return [];
    return this.#write(({ connection }) => claimPending(connection, request, now));
  }

  async releasePendingEmbeddings(modelId: EmbeddingModelId, versionKeys: readonly number[]): Promise<void> {
    await this.#write(({ connection }) => {
      releasePending(connection, modelId, versionKeys);
    });
  }

  async putEmbeddings(modelId: EmbeddingModelId, writes: readonly EmbeddingWrite[]): Promise<number> {
    checkEmbeddings(modelId, writes);
    return this.#write(({ connection }) => storeEmbeddings(connection, modelId, writes));
  }

  async keepTokenVectors(kept: TokenSpace | null): Promise<void> {
    if (await this.#file.read((connection) => keepsOnly(connection, kept))) return;
    for (let more = true; more;) more = await this.#write(({ connection }) => keepTokens(connection, kept));
  }

  tokenMatches(request: TokenRequest): Promise<TokenMatch[]> {
    return this.#file.read((connection) => matchTokens(connection, request));
  }

  dropOtherEmbeddings(modelId: EmbeddingModelId): Promise<number> {
    return this.#write(({ connection }) => dropOtherModelVectors(connection, modelId));
  }

  vectors(modelId: EmbeddingModelId, ids: readonly string[]): Promise<MemoryVector[]> {
    return this.#file.read((connection) => readVectors(connection, modelId, ids));
  }

  noteFound(found: FoundMemories): Promise<void> {
    return this.#write(({ connection }) => {
      storeFound(connection, found);
    });
  }

  unused(rule: UnusedRule): Promise<Unused> {
    return this.#file.read((connection) => readUnused(connection, { ...rule, now: this.#now() }));
  }

  growth(timeZone: string): Promise<DayCount[]> {
    return this.#file.read((connection) => readGrowth(connection, timeZone));
  }

  stats(modelId?: EmbeddingModelId): Promise<StoreStats> {
    return this.#file.read((connection, age) => {
      const shared = this.#file.shared?.stateAt(connection);
      return {
        ...readStats(connection, modelId),
        ...stale(age),
        ...(shared === undefined ? {} : { shared }),
      };
    });
  }

  async checkCounts(fix: boolean): Promise<string[]> {
    const wrong = await this.#file.read((connection) => wrongCounts(connection));
    if (fix && wrong.length > 0) {
      await this.#write(({ connection }) => {
        recount(connection);
      });
    }
    return wrong;
  }

  checkIntegrity(
    modelId?: EmbeddingModelId,
    { quick = false, part }: IntegrityOptions = {},
  ): Promise<IntegrityReport> {
    if (modelId === undefined)
      return this.#file.read((connection) => checkIntegrity(connection, { vectors: null, quick, part }));
    return this.#withVectors(modelId, (connection) =>
      checkIntegrity(connection, { vectors: this.#vectors.loaded(connection, modelId), quick, part }),
    );
  }

  async close(): Promise<void> {
    this.replica.close();
    await this.#file.close();
    await this.#vectorTurns.idle();
    this.#vectors.dispose();
    this.#words.close();
  }

  /** Reads many changes in steps, between which other calls have their turn; the last step is in the transaction of the work. */
  #withVectors<Result>(
    modelId: EmbeddingModelId,
    work: (connection: Connection, age: string | null) => Result,
  ): Promise<Result> {
    return this.#vectorTurns.run(async () => {
      await this.#vectors.prepare(modelId);
      return this.#file.readInSteps((connection, age) =>
        this.#vectors.step(connection, modelId) ? null : { result: work(connection, age) },
      );
    });
  }

  #write<Result>(work: (context: WriteContext) => Result): Promise<Result> {
    return this.#file.write((connection: Connection) => work({ connection, now: this.#now() }));
  }
}

/** @param age of what was read, as a sentence for people */
function stale(age: string | null): { readonly stale?: string } {
  return age === null ? {} : { stale: age };
}
