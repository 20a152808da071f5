import type { Embedder, EmbeddingModelId } from '../embedding/embedder.ts';
import { InvalidInputError, NotFoundError } from '../errors/input-errors.ts';
import type { ConversationPage, ListPage, MemoryStore } from '../store/memory-store.ts';
import { settleWithin } from '../util/concurrency.ts';
import { spokenPeriod } from '../util/time-phrases.ts';
import { isTimeZone, systemTimeZone, TimeZone } from '../util/time-zone.ts';
import { attributesOf } from './attributes.ts';
import { checkNovelty, MemoryAdder } from './add.ts';
import { memoriesAt, responseAt } from './as-of.ts';
import { checkLinks, membersOfNew, readAsOf, statedMembers } from './attribute-input.ts';
import {
  type CaptureReport,
  type CaptureRequest,
  captureTurns,
  type ConversationRules,
  KEEP_CONVERSATIONS,
} from './conversations.ts';
import { deduplicate } from './deduplicate.ts';
import { checkIds, MAX_IDS, MemoryDeleter } from './delete.ts';
import { EmbeddingBackfill } from './embedding-backfill.ts';
import { type FilterClock, type MemoryFilter, parseFilter } from './filter.ts';
import { type ImportBatchOptions, importMemories, type ImportOutcome } from './import.ts';
import {
  ALL_PROJECTS,
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
  ConversationsInput,
  DeduplicateRequest,
  DeduplicateResult,
  DeleteRequest,
  DeleteResult,
  FilterInput,
  GrowthDay,
  ListInput,
  MapRequest,
  MemoriesAsOf,
  MemoryApi,
  MemoryMap,
  MemoryWork,
  NoveltyRequest,
  NoveltyResult,
  ReembedProgress,
  SearchRequest,
  SearchResponse,
  Stats,
  TidyRequest,
  TidyResult,
  UpdateInput,
  UpdateResult,
} from './memory-api.ts';
import type { Memory, MemoryDraft, MemoryWithHistory } from './memory.ts';
import { MemorySearcher, type SearchPlan } from './search.ts';
import { shownMemory } from './shown-memory.ts';
import { tidy } from './tidy.ts';
import type { MemoryContent } from './version.ts';

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

const MAX_ADDED = 100;
const EXPORT_BATCH = 500;
/** So many times the wanted hits are looked at, since some did not exist at the time that is asked about. */
const AS_OF_SPARE = 4;
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
    this.timeZone = parts.timeZone ?? new TimeZone(systemTimeZone);
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
      const field = memories.length === 1 ? '' : `memories[${index}].`;
      const members = membersOfNew(field, memory, this.#clock());
      const metadata = { ...memory.metadata, ...members };
      const project = memory.project ?? request.currentProject ?? undefined;
      drafts.push(this.#checker.draft(field, { ...memory, project, metadata }));
    }
    await checkLinks(this.#parts.store, {
      pinned: drafts.filter(({ value }) => attributesOf(value.metadata).pinned).map(() => undefined),
      supersedes: memories.flatMap(({ supersedes = '' }) => (supersedes === '' ? [] : supersedes.trim())),
    });
    return this.#adder.add(drafts, request);
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
    const limit = checkInteger('limit', request.limit ?? 5, { min: 1, max: 100 });
    const mode = checkChoice('mode', request.mode ?? 'hybrid', ['hybrid', 'vector', 'keyword']);
    const clock = this.#clock();
    const { asOf } = request;
    // The other modes rank by their one list alone.
    const period = mode === 'hybrid' ? await spokenPeriod(query, clock) : undefined;
    const filter = { ...request.filter, expired: request.filter?.expired ?? 'none' };
    const project = this.#preferredProject(request);
    const plan = { query, limit, mode, period, project };
    const response =
      asOf === undefined || asOf === ''
        ? await this.#searcher.search({ ...plan, at: clock.now, filter: parseFilter(filter, clock) })
        : await this.#searchAsOf(plan, filter, readAsOf('asOf', asOf, clock));
    return { ...response, hits: response.hits.map((hit) => ({ ...hit, memory: this.#shown(hit.memory) })) };
  }

  /** Null = none is preferred. */
  #preferredProject({ filter, currentProject }: SearchRequest): string | null {
    if (filter?.project === ALL_PROJECTS) return null;
    const { defaultProject } = this.#parts.rules;
    const project = currentProject === undefined ? defaultProject : currentProject;
    return project === '' || project === ALL_PROJECTS ? null : project;
  }

  /** Memories that are found now, as they were then: more of them than are asked for, since some were not there. */
  async #searchAsOf(
    { limit, ...plan }: Omit<SearchPlan, 'at' | 'filter'>,
    filter: FilterInput,
    time: number,
  ): Promise<SearchResponse> {
    const { createdBefore = time, ...given } = parseFilter(filter, { now: time, zone: this.timeZone });
    const response = await this.#searcher.search({
      ...plan,
      limit: Math.min(MAX_IDS, AS_OF_SPARE * limit),
      at: time,
      filter: { ...given, createdBefore: Math.min(createdBefore, time) },
    });
    const found = await this.#parts.store.get(response.hits.map(({ memory }) => memory.id));
    return responseAt(response, found, { query: plan.query, time, limit });
  }

  async get(ids: readonly string[]): Promise<MemoryWithHistory[]> {
    const memories = await this.#known(ids);
    return memories.map((memory) => ({
      ...this.#shown(memory),
      history: memory.history.map((version) => this.#shown(version)),
    }));
  }

  async getAsOf(ids: readonly string[], asOf: string): Promise<MemoriesAsOf> {
    const time = readAsOf('asOf', asOf, this.#clock());
    const then = memoriesAt(await this.#known(ids), time);
    return { ...then, memories: then.memories.map((memory) => this.#shown(memory)) };
  }

  async #known(ids: readonly string[]): Promise<MemoryWithHistory[]> {
    const memories = await this.#parts.store.get(checkIds(ids));
    const known = new Set(memories.map((memory) => memory.id));
    const unknown = ids.filter((id) => !known.has(id));
    if (unknown.length > 0) throw new NotFoundError(unknown, (await this.#parts.store.stats()).stale);
    return memories;
  }

  async list(input: ListInput): Promise<ListPage> {
    const filter = this.#filter(input.filter);
    const usual = filter.session === undefined ? 'newest' : 'position';
    const page = await this.#parts.store.list({
      filter,
      which: checkChoice('which', input.which ?? 'live', ['live', 'trash', 'conflict']),
      order: checkChoice('order', input.order ?? usual, ['newest', 'oldest', 'updated', 'position']),
      limit: checkInteger('limit', input.limit ?? 20, { min: 1, max: 1_000 }),
      ...(input.cursor === undefined ? {} : { cursor: input.cursor }),
    });
    return { ...page, memories: page.memories.map((memory) => this.#shown(memory)) };
  }

  async conversations(input: ConversationsInput): Promise<ConversationPage> {
    return this.#parts.store.conversations({
      filter: this.#filter(input.filter),
      limit: checkInteger('limit', input.limit ?? 20, { min: 1, max: 1_000 }),
      ...(input.cursor === undefined ? {} : { cursor: input.cursor }),
    });
  }

  #shown<Content extends MemoryContent>(content: Content): Content {
    return shownMemory(content, this.#parts.rules.textLimit);
  }

  async update(input: UpdateInput): Promise<UpdateResult> {
    const [id = ''] = checkIds([input.id]);
    const members = statedMembers('', input, this.#clock());
    const metadata = { ...input.metadata, ...members };
    const isMerged = Object.keys(metadata).length > 0 || input.metadata !== undefined;
    const { value, masked } = this.#checker.patch(isMerged ? { ...input, metadata } : input);
    const { supersedes } = members;
    if (supersedes === id)
      throw new InvalidInputError(
        'supersedes',
        `is ${id}, the memory itself`,
        'allowed is the id of another one',
      );
    await checkLinks(this.#parts.store, {
      pinned: value.mergeMetadata?.['pinned'] === true ? [id] : [],
      supersedes: typeof supersedes === 'string' ? [supersedes] : [],
    });
    const { memory } = await this.#parts.store.update(id, value);
    if (value.text !== undefined) this.#backfill.wake();
    return { memory: this.#shown(memory), masked };
  }

  async delete(request: DeleteRequest): Promise<DeleteResult> {
    return this.#deleter.run(request, (filter) => this.#filter(filter));
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

  async tidy(request: TidyRequest, work: MemoryWork = {}): Promise<TidyResult> {
    return tidy(this.#parts, request, work);
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
    return parseFilter(input, this.#clock());
  }

  #clock(): FilterClock {
    return { now: this.#parts.now(), zone: this.timeZone };
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

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
