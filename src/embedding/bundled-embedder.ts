import { EmbeddingUnavailableError } from '../errors/embedding-errors.ts';
import { settleWithin } from '../util/concurrency.ts';
import { packagePath } from '../util/package.ts';
import { endBeforeExit } from '../util/process-end.ts';
import { WorkerClient } from '../util/worker-client.ts';
import type {
  EmbeddedChunk,
  EmbeddedQuery,
  Embedder,
  EmbeddingModelId,
  TokenVectors,
  Urgency,
} from './embedder.ts';
import { END, PHASE, type Task, type TaskResults, type WorkerSettings } from './embedding-protocol.ts';
import { type Job, JobQueue, type QueuedTask } from './job-queue.ts';
import { BUNDLED_MODEL, type ModelFacts, TOKEN_SPACE } from './model-files.ts';
import { readModelCard, factsOf } from './model-card.ts';
import { type RuntimeChoice, switchOffTelemetry } from './onnx-runtime.ts';

export interface BundledEmbedderSettings {
  readonly runtime?: RuntimeChoice;
  /** Threads for one run of the model. Default: chosen by the runtime, at most two. */
  readonly threads?: number | undefined;
  /** Milliseconds without use after which the model is unloaded; 0 keeps it loaded. @default 300000 */
  readonly idleUnloadMs?: number;
  /** Folder of the model files. Default: the folder in this package. */
  readonly modelDirectory?: string | undefined;
  /** The folder holds another model than the bundled one: that of its card, or of these facts. @default false */
  readonly local?: boolean | ModelFacts;
  /** Called when the model was loaded or unloaded. */
  readonly onReadyChange?: (() => void) | undefined;
  /** Whether the bundled model gives token vectors too; others never do. @default true */
  readonly tokenVectors?: boolean | undefined;
}

const NOT_LOADED = 'not loaded';
/** The answer of an embedder whose token vectors are switched off. */
const NO_TOKENS: TokenVectors = { pieces: new Int32Array(), dimension: 2, vectors: new Float32Array() };
/** Longer than a usual run of the model, shorter than clients wait before they kill the process. */
const END_LIMIT_MS = 1_000;
/** Jobs that are with the worker at the same time. */
const SENT_AT_MOST = 2;
const FIVE_MINUTES = 300_000;
/** For this long after a failed load, calls fail with the same error without another attempt. */
const RETRY_LOAD_AFTER_MS = 10_000;

/** Embeds with the model in this package, or with one in a folder. The worker thread starts with the first call and ends when idle. */
export class BundledEmbedder implements Embedder {
  readonly #settings: Omit<WorkerSettings, 'phase' | 'facts'>;
  readonly #local: boolean;
  readonly #idleUnloadMs: number;
  readonly #onReadyChange: () => void;
  readonly #queue = new JobQueue();
  #worker: WorkerClient | undefined;
  #phase = newPhase();
  /** Read once: the vectors of one embedder are those of one model, whatever becomes of its folder. */
  #facts: ModelFacts | undefined;
  #runtime = NOT_LOADED;
  /** With the worker: the one that runs, and perhaps the query after it. */
  readonly #running: Job[] = [];
  #idle: NodeJS.Timeout | undefined;
  /** Until a background text may run. */
  #hold: NodeJS.Timeout | undefined;
  #lastFailure: { readonly error: Error; readonly at: number } | undefined;
  #closed = false;

  constructor(settings: BundledEmbedderSettings = {}) {
    const { local = false, tokenVectors = true } = settings;
    this.#settings = {
      choice: settings.runtime ?? 'auto',
      threads: settings.threads,
      wasmDirectory: packagePath('dist', 'runtime'),
      modelDirectory: settings.modelDirectory ?? packagePath('models', 'e5-small-v2-int8'),
      tokenVectors: local === false && tokenVectors,
    };
    this.#local = local !== false;
    if (local !== true) this.#facts = local === false ? BUNDLED_MODEL : local;
    this.#idleUnloadMs = settings.idleUnloadMs ?? FIVE_MINUTES;
    this.#onReadyChange = settings.onReadyChange ?? ((): void => undefined);
  }

  async modelId(): Promise<EmbeddingModelId> {
    return (this.#facts ?? (await this.#readFacts())).id;
  }

  get ready(): boolean {
    return this.#worker !== undefined && this.#runtime !== NOT_LOADED;
  }

  async warmUp(): Promise<void> {
    await this.#ask('load', '');
  }

  get tokenSpace(): string | undefined {
    return this.#settings.tokenVectors ? TOKEN_SPACE : undefined;
  }

  async embedQuery(text: string, signal?: AbortSignal): Promise<Float32Array> {
    const { vector } = await this.#ask('query', text, { signal });
    return vector;
  }

  async embedQueryTokens(text: string, signal?: AbortSignal): Promise<EmbeddedQuery> {
    const { vector, tokens } = await this.#ask('query', text, { signal });
    return { vector, tokens: tokens ?? NO_TOKENS };
  }

  /** Each chunk is a separate job, so a query waits for one chunk at most, even during a long text. */
  async embedPassage(text: string, signal?: AbortSignal, urgency?: Urgency): Promise<EmbeddedChunk[]> {
    const call = { signal, urgency };
    const { chunks, first } = await this.#ask('text', text, call);
    const embedded: EmbeddedChunk[] = [];
    for (const [place, { start, end }] of chunks.entries()) {
      const vectors = place === 0 ? first : await this.#ask('passage', text.slice(start, end), call);
      embedded.push({ start, end, ...vectors });
    }
    return embedded;
  }

  describe(): Record<string, string | number | boolean> {
    const { choice, threads, modelDirectory } = this.#settings;
    return {
      provider: this.#local ? 'local' : 'bundled',
      runtime: this.#runtime,
      choice,
      threads: threads ?? 'auto',
      modelDirectory,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#stop(new EmbeddingUnavailableError('The embedder is closed', { retryable: false }));
  }

  async #readFacts(): Promise<ModelFacts> {
    this.#facts ??= factsOf(await readModelCard(this.#settings.modelDirectory));
    return this.#facts;
  }

  #ask<Asked extends Task>(
    task: Asked,
    text: string,
    call: Pick<QueuedTask, 'signal' | 'urgency'> = {},
  ): Promise<TaskResults[Asked]> {
    const queued = { ...call, task, text };
    // A message does not carry the type of the result.
    return (
      this.#facts === undefined
        ? this.#readFacts().then((facts) => this.#enqueue(queued, facts))
        : this.#enqueue(queued, this.#facts)
    ) as Promise<TaskResults[Asked]>;
  }

  #enqueue(queued: QueuedTask, facts: ModelFacts): Promise<unknown> {
    if (this.#closed)
      return Promise.reject(new EmbeddingUnavailableError('The embedder is closed', { retryable: false }));
    const failure = this.#lastFailure;
    if (failure !== undefined && Date.now() - failure.at < RETRY_LOAD_AFTER_MS)
      return Promise.reject(failure.error);
    clearTimeout(this.#idle);
    const result = this.#queue.add(queued);
    this.#next(facts);
    return result;
  }

  /**
   * Sends one job to the worker, so that waiting jobs can be reordered and aborted, and the query that comes next:
   * nothing comes before that one, and the model would wait for this thread otherwise.
   */
  #next(facts: ModelFacts): void {
    if (this.#running.length >= SENT_AT_MOST) return;
    clearTimeout(this.#hold);
    const start = performance.now();
    const job = this.#running.length === 0 ? this.#queue.take(start) : this.#queue.takeQuery();
    if (job !== undefined) {
      this.#send(job, facts, start);
      this.#next(facts);
    } else if (this.#running.length === 0) {
      this.#waitForJobs(facts, this.#queue.heldFor(start));
    }
  }

  #send(job: Job, facts: ModelFacts, start: number): void {
    this.#running.push(job);
    this.#worker ??= this.#start(facts);
    const settled = this.#worker.call(job.task, [job.text]).then(job.resolve, job.reject);
    void settled.then(() => {
      const place = this.#running.indexOf(job);
      if (place < 0) return;
      this.#running.splice(place, 1);
      this.#queue.noteEnd(job, { start, end: performance.now() });
      this.#next(facts);
    });
  }

  #start(facts: ModelFacts): WorkerClient {
    switchOffTelemetry(process.env);
    const phase = newPhase();
    this.#phase = phase;
    const worker: WorkerClient = new WorkerClient({
      program: packagePath('dist', 'embedding', 'embedding-worker.js'),
      data: { ...this.#settings, facts, phase } satisfies WorkerSettings,
      toError: (_, cause) =>
        cause === undefined
          ? new EmbeddingUnavailableError('The embedding worker ended')
          : new EmbeddingUnavailableError(`The embedding worker failed: ${cause.message}`, { cause }),
      onEnd: (error) => {
        forget();
        if (this.#worker !== worker) return;
        if (!this.ready && error.cause !== undefined) this.#lastFailure = { error, at: Date.now() };
        this.#worker = undefined;
        void this.#stop(error);
      },
    });
    const forget = endBeforeExit(() => leftNativeCode(worker, phase));
    void this.#load(worker);
    return worker;
  }

  /** The first call of a worker, so that its outcome is known before that of any other. */
  async #load(worker: WorkerClient): Promise<void> {
    try {
      const runtime = await worker.call('load' satisfies Task, []);
      if (this.#worker !== worker) return;
      this.#runtime = String(runtime);
      this.#lastFailure = undefined;
      this.#onReadyChange();
    } catch (cause) {
      if (this.#worker !== worker) return;
      const error = cause instanceof Error ? cause : new EmbeddingUnavailableError(String(cause));
      this.#lastFailure = { error, at: Date.now() };
      await this.#stop(error);
    }
  }

  /** @param heldFor milliseconds until background work may run; undefined when nothing waits */
  #waitForJobs(facts: ModelFacts, heldFor: number | undefined): void {
    if (heldFor !== undefined) {
      this.#hold = setTimeout(() => {
        this.#next(facts);
      }, heldFor);
      return;
    }
    clearTimeout(this.#idle);
    if (this.#idleUnloadMs === 0 || this.#worker === undefined) return;
    this.#idle = setTimeout(() => {
      void this.#stop(new EmbeddingUnavailableError('The model was unloaded'));
    }, this.#idleUnloadMs);
    this.#idle.unref();
  }

  async #stop(reason: Error): Promise<void> {
    clearTimeout(this.#idle);
    clearTimeout(this.#hold);
    const worker = this.#worker;
    this.#worker = undefined;
    this.#runtime = NOT_LOADED;
    this.#onReadyChange();
    for (const job of this.#running.splice(0)) job.reject(reason);
    this.#queue.rejectAll(reason);
    if (worker !== undefined) await endWorker(worker, this.#phase);
  }
}

function newPhase(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/**
 * Asks the worker to end between two runs, and terminates it when that takes longer than the limit. It is never
 * terminated in native code, because that would abort the whole process; this waits for the load or run to finish.
 */
async function endWorker(worker: WorkerClient, phase: Int32Array<SharedArrayBuffer>): Promise<void> {
  askToEnd(worker);
  const ended = worker.ended.then(() => true);
  if ((await settleWithin(ended, END_LIMIT_MS)) === true) return;
  if (mayCutOff(phase)) await worker.terminate();
  else await ended;
}

function askToEnd(worker: WorkerClient): void {
  // The end of the worker rejects the call.
  worker.call(END, []).catch(() => undefined);
}

/** True = from now on the worker does not enter native code any more. */
function mayCutOff(phase: Int32Array<SharedArrayBuffer>): boolean {
  return Atomics.compareExchange(phase, 0, PHASE.plain, PHASE.ending) !== PHASE.native;
}

/** Resolves when the process may end beside this worker. */
async function leftNativeCode(worker: WorkerClient, phase: Int32Array<SharedArrayBuffer>): Promise<void> {
  if (mayCutOff(phase)) return;
  askToEnd(worker);
  await worker.ended;
}
