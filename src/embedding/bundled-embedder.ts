import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { EmbeddingUnavailableError, ModelDamagedError } from '../errors/embedding-errors.ts';
import { settleWithin } from '../util/concurrency.ts';
import { packagePath } from '../util/package.ts';
import { endBeforeExit } from '../util/process-end.ts';
import type { EmbeddedChunk, Embedder, EmbeddingModelId } from './embedder.ts';
import {
  END,
  LOADED,
  PHASE,
  type WorkerFailure,
  type WorkerReply,
  type WorkerRequest,
  type WorkerSettings,
} from './embedding-protocol.ts';
import { BUNDLED_MODEL_ID } from './model-files.ts';
import { type RuntimeChoice, switchOffTelemetry } from './onnx-runtime.ts';

export interface BundledEmbedderSettings {
  readonly runtime?: RuntimeChoice;
  /** Threads for one run of the model. Default: chosen by the runtime, at most two. */
  readonly threads?: number | undefined;
  /** Milliseconds without use after which the model is unloaded; 0 keeps it loaded. @default 300000 */
  readonly idleUnloadMs?: number;
  /** Folder of the model files. Default: the folder in this package. */
  readonly modelDirectory?: string | undefined;
}

const NOT_LOADED = 'not loaded';
/** Longer than a usual run of the model, shorter than clients wait before they kill the process. */
const END_LIMIT_MS = 1_000;
const FIVE_MINUTES = 300_000;
/** For this long after a failed load, calls fail with the same error without another attempt. */
const RETRY_LOAD_AFTER_MS = 10_000;

/** Embeds with the model in this package. The worker thread starts with the first call and ends when idle. */
export class BundledEmbedder implements Embedder {
  readonly #settings: Omit<WorkerSettings, 'phase'>;
  readonly #idleUnloadMs: number;
  readonly #queue = new JobQueue();
  #worker: Worker | undefined;
  #phase = newPhase();
  #runtime = NOT_LOADED;
  #running: Job | undefined;
  #idle: NodeJS.Timeout | undefined;
  #lastFailure: { readonly error: Error; readonly at: number } | undefined;
  #closed = false;

  constructor(settings: BundledEmbedderSettings = {}) {
    this.#settings = {
      choice: settings.runtime ?? 'auto',
      threads: settings.threads,
      wasmDirectory: packagePath('dist', 'runtime'),
      modelDirectory: settings.modelDirectory ?? packagePath('models', 'e5-small-v2-int8'),
    };
    this.#idleUnloadMs = settings.idleUnloadMs ?? FIVE_MINUTES;
  }

  modelId(): Promise<EmbeddingModelId> {
    return Promise.resolve(BUNDLED_MODEL_ID);
  }

  get ready(): boolean {
    return this.#worker !== undefined && this.#runtime !== NOT_LOADED;
  }

  async warmUp(): Promise<void> {
    await this.#ask('load', '');
  }

  async embedQuery(text: string, signal?: AbortSignal): Promise<Float32Array> {
    return this.#vector('query', text, signal);
  }

  /** Each chunk is a separate job, so a query waits for one chunk at most, even during a long text. */
  async embedPassage(text: string, signal?: AbortSignal): Promise<EmbeddedChunk[]> {
    const reply = await this.#ask('split', text, signal);
    if (!('chunks' in reply)) throw unexpectedReply();
    const embedded: EmbeddedChunk[] = [];
    for (const { start, end } of reply.chunks) {
      embedded.push({ start, end, vector: await this.#vector('passage', text.slice(start, end), signal) });
    }
    return embedded;
  }

  describe(): Record<string, string | number | boolean> {
    const { choice, threads, modelDirectory } = this.#settings;
    return {
      provider: 'bundled',
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

  async #vector(task: 'query' | 'passage', text: string, signal?: AbortSignal): Promise<Float32Array> {
    const reply = await this.#ask(task, text, signal);
    if ('vector' in reply) return reply.vector;
    throw unexpectedReply();
  }

  #ask(task: WorkerRequest['task'], text: string, signal?: AbortSignal): Promise<WorkerReply> {
    if (this.#closed)
      return Promise.reject(new EmbeddingUnavailableError('The embedder is closed', { retryable: false }));
    const failure = this.#lastFailure;
    if (failure !== undefined && Date.now() - failure.at < RETRY_LOAD_AFTER_MS)
      return Promise.reject(failure.error);
    clearTimeout(this.#idle);
    const reply = this.#queue.add({ task, text, signal });
    this.#next();
    return reply;
  }

  /** Sends one job at a time to the worker, so that waiting jobs can be reordered and aborted. */
  #next(): void {
    if (this.#running !== undefined) return;
    const job = this.#queue.take();
    if (job === undefined) {
      this.#waitForUse();
      return;
    }
    this.#running = job;
    this.#worker ??= this.#start();
    this.#worker.ref();
    this.#worker.postMessage({ id: job.id, task: job.task, text: job.text } satisfies WorkerRequest);
  }

  #start(): Worker {
    switchOffTelemetry(process.env);
    const phase = newPhase();
    this.#phase = phase;
    const worker = new Worker(packagePath('dist', 'embedding', 'embedding-worker.js'), {
      workerData: { ...this.#settings, phase } satisfies WorkerSettings,
      // Keeps the worker's output out of this process's stdout, which may carry a protocol. The worker writes to
      // stderr instead. Nothing reads this stream, because reading it would keep the process alive.
      stdout: true,
    });
    worker.once(
      'exit',
      endBeforeExit(() => leftNativeCode(worker, phase)),
    );
    worker.on('message', (reply: WorkerReply) => {
      this.#receive(reply);
    });
    worker.on('error', (cause) => {
      if (this.#worker !== worker) return;
      const error = new EmbeddingUnavailableError(`The embedding worker failed: ${cause.message}`, { cause });
      if (!this.ready) this.#lastFailure = { error, at: Date.now() };
      void this.#stop(error);
    });
    worker.on('exit', () => {
      if (this.#worker === worker)
        void this.#stop(new EmbeddingUnavailableError('The embedding worker ended'));
    });
    return worker;
  }

  #receive(reply: WorkerReply): void {
    if (reply.id === LOADED && 'runtime' in reply) this.#runtime = reply.runtime;
    const job = this.#running;
    if (job?.id !== reply.id) return;
    this.#running = undefined;
    this.#worker?.unref();
    if ('failure' in reply) {
      const error = toError(reply.failure);
      job.reject(error);
      if (!this.ready) {
        this.#lastFailure = { error, at: Date.now() };
        void this.#stop(error);
        return;
      }
    } else {
      this.#lastFailure = undefined;
      job.resolve(reply);
    }
    this.#next();
  }

  #waitForUse(): void {
    clearTimeout(this.#idle);
    if (this.#idleUnloadMs === 0 || this.#worker === undefined) return;
    this.#idle = setTimeout(() => {
      void this.#stop(new EmbeddingUnavailableError('The model was unloaded'));
    }, this.#idleUnloadMs);
    this.#idle.unref();
  }

  async #stop(reason: Error): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = undefined;
    this.#runtime = NOT_LOADED;
    this.#running?.reject(reason);
    this.#running = undefined;
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
async function endWorker(worker: Worker, phase: Int32Array<SharedArrayBuffer>): Promise<void> {
  // A failed worker has ended too.
  const ended = once(worker, 'exit').catch(() => []);
  if (worker.threadId === -1) return;
  worker.ref();
  worker.postMessage(END);
  if ((await settleWithin(ended, END_LIMIT_MS)) !== undefined) return;
  if (mayTerminate(phase)) await worker.terminate();
  else await ended;
}

/** @returns true when the worker is outside native code; it can no longer enter native code then */
function mayTerminate(phase: Int32Array<SharedArrayBuffer>): boolean {
  return Atomics.compareExchange(phase, 0, PHASE.plain, PHASE.ending) !== PHASE.native;
}

/** Resolves when the worker is outside native code, so that the process may exit. */
async function leftNativeCode(worker: Worker, phase: Int32Array<SharedArrayBuffer>): Promise<void> {
  if (mayTerminate(phase)) return;
  const ended = once(worker, 'exit').catch(() => []);
  worker.postMessage(END);
  await ended;
}

function unexpectedReply(): EmbeddingUnavailableError {
  return new EmbeddingUnavailableError('The embedding worker sent an answer of the wrong kind');
}

function toError({ code, message, fix, retryable }: WorkerFailure): Error {
  const options = fix === undefined ? {} : { fix };
  return code === 'MODEL_DAMAGED'
    ? new ModelDamagedError(message, options)
    : new EmbeddingUnavailableError(message, { ...options, retryable });
}

interface Job extends WorkerRequest {
  readonly resolve: (reply: WorkerReply) => void;
  readonly reject: (reason: Error) => void;
}

interface QueuedTask extends Pick<Job, 'task' | 'text'> {
  readonly signal?: AbortSignal | undefined;
}

/** Jobs that wait for the worker. Queries come before passages; each kind stays in order. Aborted jobs are removed. */
class JobQueue {
  #urgent: Job[] = [];
  #patient: Job[] = [];
  #nextId = 1;

  add({ task, text, signal }: QueuedTask): Promise<WorkerReply> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = (): void => {
        this.#remove(job);
        job.reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      const forget = (): void => signal?.removeEventListener('abort', abort);
      const job: Job = {
        id: this.#nextId,
        task,
        text,
        resolve: (reply) => {
          forget();
          resolve(reply);
        },
        reject: (reason) => {
          forget();
          reject(reason);
        },
      };
      this.#nextId += 1;
      (task === 'split' || task === 'passage' ? this.#patient : this.#urgent).push(job);
      signal?.addEventListener('abort', abort);
    });
  }

  take(): Job | undefined {
    return this.#urgent.shift() ?? this.#patient.shift();
  }

  rejectAll(reason: Error): void {
    const jobs = [...this.#urgent, ...this.#patient];
    this.#urgent = [];
    this.#patient = [];
    for (const job of jobs) job.reject(reason);
  }

  #remove(job: Job): void {
    this.#urgent = this.#urgent.filter((other) => other !== job);
    this.#patient = this.#patient.filter((other) => other !== job);
  }
}
