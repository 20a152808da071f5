import { createHash } from 'node:crypto';
import type { Embedder, EmbeddingModelId } from '../embedding/embedder.ts';
import { InvalidInputError, NotFoundError, StateChangedError } from '../errors/input-errors.ts';
import type { MemoryStore } from '../store/memory-store.ts';
import { settleWithin } from '../util/concurrency.ts';
import { isTimeZone, systemTimeZone, TimeZone } from '../util/time-zone.ts';
import { checkNovelty, MemoryAdder } from './add.ts';
import {
  type CaptureReport,
  type CaptureRequest,
  captureTurns,
  type ConversationRules,
  KEEP_CONVERSATIONS,
} from './conversations.ts';
import { deduplicate } from './deduplicate.ts';
import { EmbeddingBackfill } from './embedding-backfill.ts';
import { type MemoryFilter, parseFilter } from './filter.ts';
import { type ImportBatchOptions, importMemories, type ImportOutcome } from './import.ts';
import {
  checkChoice,
  type CheckedInput,
  checkInteger,
  checkShare,
  checkString,
  InputChecker,
  type InputRules,
  MAX_QUERY_LENGTH,
} from './input.ts';
import { mapMemories } from './map.ts';
import type {
  AddRequest,
  AddResult,
  DeduplicateRequest,
  DeduplicateResult,
  DeleteRequest,
  DeleteResult,
  FilterInput,
  GrowthDay,
  ListInput,
  MapRequest,
  MemoryApi,
  MemoryMap,
  MemoryWork,
  NoveltyRequest,
  NoveltyResult,
  ReembedProgress,
  SearchRequest,
  SearchResponse,
  Stats,
  UpdateInput,
  UpdateResult,
} from './memory-api.ts';
import type { Memory, MemoryDraft, MemoryWithHistory } from './memory.ts';
import { MemorySearcher } from './search.ts';
import { shownMemory } from './shown-memory.ts';
import { canonicalJson, type MemoryContent } from './version.ts';

export interface MemoryServiceParts {
  readonly store: MemoryStore;
  readonly embedder: Embedder;
  readonly rules: InputRules;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Time that a hybrid search waits for a loading model before it answers by words. */
  readonly modelWaitMs: number;
  /** Time zone of the days in filters and counts; default the system's. */
  readonly timeZone?: TimeZone;
  /** Default: all conversations are kept for ever. */
  readonly conversations?: ConversationRules;
}

const MAX_IDS = 100;
const MAX_ADDED = 100;
const EXPORT_BATCH = 500;
const NOVEL_BELOW = 0.88;
const SAME_FROM = 0.97;
const MAP_LIMIT = 2_000;
/** Time that statistics wait for the id of the embedding model. */
const MODEL_ID_WAIT_MS = 3_000;

/** The one implementation of `MemoryApi`: validates, then composes store and embedder. */
export class MemoryService implements MemoryApi {
  readonly timeZone: TimeZone;
  readonly #parts: MemoryServiceParts;
  readonly #checker: InputChecker;
  readonly #backfill: EmbeddingBackfill;
  readonly #adder: MemoryAdder;
  readonly #searcher: MemorySearcher;
  readonly #deleter: MemoryDeleter;

  constructor(parts: MemoryServiceParts) {
    this.#parts = parts;
    this.timeZone = parts.timeZone ?? new TimeZone(systemTimeZone());
    this.#checker = new InputChecker(parts.rules);
    this.#backfill = new EmbeddingBackfill(parts.store, parts.embedder);
    this.#adder = new MemoryAdder({ ...parts, backfill: this.#backfill });
    this.#searcher = new MemorySearcher({ ...parts, backfill: this.#backfill });
    this.#deleter = new MemoryDeleter(parts.store);
  }

  async add(request: AddRequest): Promise<AddResult[]> {
    const { memories, onDuplicate } = request;
    if (memories.length === 0 || memories.length > MAX_ADDED) {
      throw new InvalidInputError(
        'memories',
        `has ${memories.length} entries`,
        `allowed are 1 to ${MAX_ADDED}`,
      );
    }
    if (onDuplicate !== undefined) checkChoice('onDuplicate', onDuplicate, ['add', 'skip', 'supersede']);
    const drafts: CheckedInput<MemoryDraft>[] = [];
    for (const [index, memory] of memories.entries()) {
      // A scan of a long text for secrets takes a while, so other calls get their turn between two texts.
      if (index > 0) await nextTurn();
      drafts.push(this.#checker.draft(memories.length === 1 ? '' : `memories[${index}].`, memory));
    }
    return this.#adder.add(drafts, { onDuplicate, waitForModel: request.waitForModel ?? false });
  }

  async capture(request: CaptureRequest): Promise<CaptureReport> {
    const { store, rules, now, conversations = KEEP_CONVERSATIONS } = this.#parts;
    const { textLimit } = rules;
    const parts = { store, checker: this.#checker, rules: conversations, textLimit, now };
    const report = await captureTurns(parts, request);
    if (report.added + report.updated > 0 && request.dryRun !== true) this.#backfill.wake();
    return report;
  }

  async search(request: SearchRequest): Promise<SearchResponse> {
    const query = checkString('query', request.query).trim();
    if (query === '' || query.length > MAX_QUERY_LENGTH) {
      throw new InvalidInputError(
        'query',
        `has ${query.length} characters`,
        `allowed are 1 to ${MAX_QUERY_LENGTH}`,
      );
    }
    const response = await this.#searcher.search({
      query,
      limit: checkInteger('limit', request.limit ?? 5, { min: 1, max: 100 }),
      mode: checkChoice('mode', request.mode ?? 'hybrid', ['hybrid', 'vector', 'keyword']),
      filter: this.#filter({ ...request.filter, expired: request.filter?.expired ?? 'none' }),
    });
    return { ...response, hits: response.hits.map((hit) => ({ ...hit, memory: this.#shown(hit.memory) })) };
  }

  async get(ids: readonly string[]): Promise<MemoryWithHistory[]> {
    const memories = await this.#parts.store.get(checkIds(ids));
    const known = new Set(memories.map((memory) => memory.id));
    const unknown = ids.filter((id) => !known.has(id));
    if (unknown.length > 0) throw new NotFoundError(unknown);
    return memories.map((memory) => ({
      ...this.#shown(memory),
      history: memory.history.map((version) => this.#shown(version)),
    }));
  }

  async list(input: ListInput): Promise<{ memories: readonly Memory[]; total: number; nextCursor?: string }> {
    const page = await this.#parts.store.list({
      filter: this.#filter(input.filter),
      which: checkChoice('which', input.which ?? 'live', ['live', 'trash', 'conflict']),
      order: checkChoice('order', input.order ?? 'newest', ['newest', 'oldest', 'updated']),
      limit: checkInteger('limit', input.limit ?? 20, { min: 1, max: 1_000 }),
      ...(input.cursor === undefined ? {} : { cursor: input.cursor }),
    });
    return { ...page, memories: page.memories.map((memory) => this.#shown(memory)) };
  }

  #shown<Content extends MemoryContent>(content: Content): Content {
    return shownMemory(content, this.#parts.rules.textLimit);
  }

  async update(input: UpdateInput): Promise<UpdateResult> {
    const [id = ''] = checkIds([input.id]);
    const { value, masked } = this.#checker.patch(input);
    const { memory } = await this.#parts.store.update(id, value);
    if (value.text !== undefined) this.#backfill.wake();
    return { memory: this.#shown(memory), masked };
  }

  async delete(request: DeleteRequest): Promise<DeleteResult> {
    const { ids, filter, dryRun, confirm } = request;
    if ((ids === undefined) === (filter === undefined)) {
      throw new InvalidInputError(
        'ids',
        ids === undefined ? 'and filter are both missing' : 'and filter are both given',
        'give one of them',
      );
    }
    if (ids !== undefined) return this.#deleter.byIds(checkIds(ids), dryRun ?? false);
    if (dryRun !== true && confirm === undefined) {
      throw new InvalidInputError(
        'confirm',
        'is missing',
        'make a dry run with this filter first and pass its token',
      );
    }
    return this.#deleter.byFilter(this.#filter(filter), dryRun === true ? undefined : confirm);
  }

  async restore(ids: readonly string[]): Promise<Memory[]> {
    const restored = await this.#parts.store.restore(checkIds(ids));
    this.#backfill.wake();
    return restored;
  }

  async purge(ids: readonly string[]): Promise<number> {
    return this.#parts.store.purge(checkIds(ids));
  }

  async stats(): Promise<Stats> {
    const { store, embedder } = this.#parts;
    const modelId = await this.#modelIdSoon();
    const { embedded, withoutTokens, ...stats } = await store.stats(modelId);
    const pending = stats.live - embedded;
    const secondsLeft = this.#backfill.secondsLeft(pending);
    return {
      ...stats,
      timeZone: this.timeZone.name,
      embedding: {
        modelId: modelId?.modelId ?? '',
        ready: embedder.ready,
        pending,
        done: embedded,
        total: stats.live,
        withoutTokens,
        ...(secondsLeft === undefined ? {} : { secondsLeft }),
        problem: this.#backfill.problem,
        details: embedder.describe(),
      },
    };
  }

  /** The id of the embedding model; undefined when its endpoint does not answer within `MODEL_ID_WAIT_MS`. */
  async #modelIdSoon(): Promise<EmbeddingModelId | undefined> {
    try {
      const modelId = await settleWithin(this.#parts.embedder.modelId(), MODEL_ID_WAIT_MS);
      if (modelId === undefined) this.#backfill.noteSlow(MODEL_ID_WAIT_MS);
      return modelId;
    } catch (error) {
      this.#backfill.note(error);
      return undefined;
    }
  }

  async isNovel(request: NoveltyRequest): Promise<NoveltyResult> {
    const threshold = checkShare('threshold', request.threshold ?? NOVEL_BELOW);
    // Secrets are masked as in `add`, because the stored memories have them masked too.
    const { value } = this.#checker.content('', { text: request.text });
    return checkNovelty(this.#parts, value.text, threshold);
  }

  async deduplicate(request: DeduplicateRequest, work: MemoryWork = {}): Promise<DeduplicateResult> {
    const threshold = checkShare('threshold', request.threshold ?? SAME_FROM);
    return deduplicate(this.#parts, { ...work, threshold, dryRun: request.dryRun ?? true });
  }

  async growth(timeZone = this.timeZone.name): Promise<readonly GrowthDay[]> {
    if (!isTimeZone(timeZone)) {
      const problem = `is ${JSON.stringify(timeZone)}`;
      throw new InvalidInputError('timeZone', problem, 'allowed is a time zone such as Europe/Berlin');
    }
    return (await this.#parts.store.growth(timeZone)).map(({ day, count }) => ({ day, added: count }));
  }

  async map({ limit = MAP_LIMIT }: MapRequest): Promise<MemoryMap> {
    return mapMemories(this.#parts, checkInteger('limit', limit, { min: 1, max: 5_000 }));
  }

  async reembed(
    onProgress: (progress: ReembedProgress) => void = () => undefined,
    signal?: AbortSignal,
  ): Promise<ReembedProgress> {
    return this.#backfill.reembed(onProgress, signal);
  }

  async dropOtherEmbeddings(): Promise<number> {
    const { store, embedder } = this.#parts;
    const modelId = await embedder.modelId();
    const { live, embedded } = await store.stats(modelId);
    return embedded < live ? 0 : store.dropOtherEmbeddings(modelId);
  }

  async *export(filter: MemoryFilter = {}): AsyncGenerator<readonly Memory[]> {
    const ids = await this.#parts.store.matching(filter);
    for (let start = 0; start < ids.length; start += EXPORT_BATCH) {
      yield await this.#parts.store.getCurrent(ids.slice(start, start + EXPORT_BATCH));
    }
  }

  async importBatch(
    drafts: readonly MemoryDraft[],
    options: ImportBatchOptions = {},
  ): Promise<ImportOutcome[]> {
    const outcomes = await importMemories(
      { store: this.#parts.store, checker: this.#checker },
      drafts,
      options,
    );
    const written = outcomes.some(({ outcome }) => outcome === 'added' || outcome === 'updated');
    if (written && options.dryRun !== true) this.#backfill.wake();
    return outcomes;
  }

  #filter(input: FilterInput | undefined): MemoryFilter {
    return parseFilter(input, { now: this.#parts.now(), zone: this.timeZone });
  }

  /** Starts to embed memories without a vector in the background; for long-lived processes. */
  startBackfill(): void {
    this.#backfill.start();
  }

  /** Stops background work. The caller closes the store and the embedder. */
  async close(): Promise<void> {
    await this.#backfill.close();
  }
}

function checkIds(ids: readonly string[]): readonly string[] {
  if (ids.length === 0 || ids.length > MAX_IDS) {
    throw new InvalidInputError('ids', `has ${ids.length} entries`, `allowed are 1 to ${MAX_IDS}`);
  }
  return ids.map((id, index) => checkString(`ids[${index}]`, id).trim());
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const EXAMPLES = 10;

/** Moves memories to the trash: by id at once, by filter only after a dry run has shown the same matches. */
class MemoryDeleter {
  readonly #store: MemoryStore;

  constructor(store: MemoryStore) {
    this.#store = store;
  }

  /** @throws NotFoundError when an id is unknown; nothing is deleted then */
  async byIds(ids: readonly string[], dryRun: boolean): Promise<DeleteResult> {
    const memories = await this.#store.getCurrent(ids);
    const known = new Set(memories.map((memory) => memory.id));
    const unknown = ids.filter((id) => !known.has(id));
    if (unknown.length > 0) throw new NotFoundError(unknown);
    const live = memories.filter((memory) => memory.state === 'live');
    const count = dryRun ? live.length : await this.#store.delete(ids);
    return { dryRun, count, examples: live.slice(0, EXAMPLES) };
  }

  /**
   * @param confirm token of the dry run, a hash of the matching ids; undefined = dry run. A filter with an age such
   * as `7d` may be repeated as it is
   * @throws StateChangedError when the filter matches other memories than in the dry run
   */
  async byFilter(filter: MemoryFilter, confirm: string | undefined): Promise<DeleteResult> {
    if (Object.keys(filter).length === 0) {
      throw new InvalidInputError('filter', 'is empty', 'give at least one condition, or ids');
    }
    const ids = await this.#store.matching(filter);
    const token = confirmToken(ids);
    const examples = await this.#store.getCurrent(ids.slice(0, EXAMPLES));
    if (confirm === undefined) return { dryRun: true, count: ids.length, examples, confirm: token };
    if (confirm !== token) throw new StateChangedError();
    return { dryRun: false, count: await this.#store.delete(ids), examples };
  }
}

function confirmToken(ids: readonly string[]): string {
  return createHash('sha256').update(canonicalJson(ids)).digest('hex').slice(0, 16);
}
