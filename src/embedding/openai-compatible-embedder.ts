import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddingRejectedError, EmbeddingUnavailableError } from '../errors/embedding-errors.ts';
import { chunkText, estimateTokens } from './chunking.ts';
import { retryAfterMs, streamedText, tlsProblem, TooLongError } from '../util/network-problem.ts';
import { findProxy, ProxyError } from '../util/proxy.ts';
import type { ProxiedRequest } from '../util/proxy-requests.ts';
import type { EmbeddedChunk, Embedder, EmbeddingModelId } from './embedder.ts';

export interface OpenAiCompatibleSettings {
  /** Address up to the version, for example `http://127.0.0.1:11434/v1`. @default 'https://api.openai.com/v1' */
  readonly baseUrl?: string | undefined;
  readonly apiKey?: string | undefined;
  /** @default 'text-embedding-3-small' */
  readonly model?: string | undefined;
  /** Sent with each request and checked in the answers. Default: the dimension of the first answer. */
  readonly dimension?: number | undefined;
  /** Limit for one call with its retries, in milliseconds. @default 30000 */
  readonly timeoutMs?: number;
  /** Put before every query. Some models need it. */
  readonly queryPrefix?: string | undefined;
  /** Put before every chunk of a memory. */
  readonly passagePrefix?: string | undefined;
  /** Base of the pauses between tries, in milliseconds. It doubles with each try. @default 500 */
  readonly retryDelayMs?: number;
}

const ATTEMPTS = 4;
/**
 * Milliseconds of doubt after a failed call. During this time calls are tried only once; if the endpoint did not
 * answer at all, they fail immediately. Search then compares words only.
 */
const DOUBT_MS = 10_000;
const DEFAULT_RETRY_AFTER_MS = 1_000;
const MAX_RETRY_AFTER_MS = 20_000;
const TEXTS_PER_REQUEST = 32;
/** Enough for the largest vectors of `TEXTS_PER_REQUEST` texts, written as digits. */
const LONGEST_ANSWER_BYTES = 64 * 1024 * 1024;

/** Embeds through an endpoint with OpenAI's `POST /embeddings`: OpenAI, Ollama, LM Studio, vLLM and others. */
export class OpenAiCompatibleEmbedder implements Embedder {
  readonly #settings: Required<Pick<OpenAiCompatibleSettings, 'timeoutMs' | 'retryDelayMs'>> &
    OpenAiCompatibleSettings;
  readonly #endpoint: string;
  readonly #model: string;
  readonly #closing = new AbortController();
  #dimension: number | undefined;
  #doubtedUntil = -Infinity;
  /** The error to repeat during the doubt, when the endpoint did not answer in time. */
  #silence: EmbeddingUnavailableError | undefined;
  #lastFailure: string | undefined;

  constructor(settings: OpenAiCompatibleSettings) {
    this.#settings = { timeoutMs: 30_000, retryDelayMs: 500, ...settings };
    this.#endpoint = `${(settings.baseUrl ?? 'https://api.openai.com/v1').replace(/\/+$/, '')}/embeddings`;
    this.#model = settings.model ?? 'text-embedding-3-small';
    this.#dimension = settings.dimension;
  }

  /** Sends one request to learn the dimension when the settings do not contain it. */
  async modelId(): Promise<EmbeddingModelId> {
    if (this.#dimension === undefined) await this.warmUp();
    return { modelId: `openai:${this.#model}`, dimension: this.#dimension ?? 0, weightsHash: '' };
  }

  /** Always true, because nothing has to be loaded. */
  get ready(): boolean {
    return true;
  }

  get lastFailure(): string | undefined {
    return this.#lastFailure;
  }

  async warmUp(): Promise<void> {
    await this.#embed(['dimension'], undefined);
  }

  async embedQuery(text: string, signal?: AbortSignal): Promise<Float32Array> {
    const [vector] = await this.#embed([(this.#settings.queryPrefix ?? '') + text], signal);
    if (vector === undefined) throw this.#malformed('it has no vector');
    return vector;
  }

  async embedPassage(text: string, signal?: AbortSignal): Promise<EmbeddedChunk[]> {
    const chunks = chunkText(text, { countTokens: estimateTokens });
    const embedded: EmbeddedChunk[] = [];
    for (let first = 0; first < chunks.length; first += TEXTS_PER_REQUEST) {
      const part = chunks.slice(first, first + TEXTS_PER_REQUEST);
      const texts = part.map(
        ({ start, end }) => (this.#settings.passagePrefix ?? '') + text.slice(start, end),
      );
      const vectors = await this.#embed(texts, signal);
      part.forEach((chunk, index) => {
        const vector = vectors[index];
        if (vector !== undefined) embedded.push({ ...chunk, vector });
      });
    }
    return embedded;
  }

  describe(): Record<string, string | number | boolean> {
    const proxy = findProxy(this.#endpoint);
    return {
      provider: 'openai',
      endpoint: this.#endpoint,
      model: this.#model,
      apiKey: this.#settings.apiKey !== undefined,
      ...(proxy === undefined ? {} : { proxy: `${proxy.shown} (${proxy.variable})` }),
    };
  }

  close(): Promise<void> {
    this.#closing.abort(new EmbeddingUnavailableError('The embedder is closed', { retryable: false }));
    return Promise.resolve();
  }

  async #embed(texts: readonly string[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
    const start = performance.now();
    const doubted = start < this.#doubtedUntil;
    if (doubted && this.#silence !== undefined) throw this.#silence;
    const attempts = doubted ? 1 : ATTEMPTS;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const vectors = await this.#request(texts, signal);
        this.#doubtedUntil = -Infinity;
        this.#lastFailure = undefined;
        return vectors;
      } catch (error) {
        if (!(error instanceof EmbeddingUnavailableError) || this.#stopped(signal).aborted) throw error;
        this.#lastFailure = error.message;
        const pause = this.#pause(error, attempt);
        const inTime = performance.now() - start + pause < this.#settings.timeoutMs;
        if (!error.retryable || attempt === attempts || !inTime) {
          this.#doubt(error);
          throw error;
        }
        // This timer keeps the process alive, because the caller waits for the next try.
        await sleep(pause, undefined, { signal: this.#stopped(signal) });
      }
    }
  }

  #doubt(error: EmbeddingUnavailableError): void {
    this.#silence = error instanceof NoAnswerError ? error : undefined;
    if (error.retryable || this.#silence !== undefined) this.#doubtedUntil = performance.now() + DOUBT_MS;
  }

  /** The time that the endpoint asks for, else a random one with full jitter (Brooker 2015). */
  #pause(error: EmbeddingUnavailableError, attempt: number): number {
    if (error instanceof RateLimitedError) return Math.min(error.retryAfterMs, MAX_RETRY_AFTER_MS);
    return Math.random() * this.#settings.retryDelayMs * 2 ** attempt;
  }

  #stopped(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
  }

  async #request(texts: readonly string[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
    // `AbortSignal.any` over `AbortSignal.timeout` does not work: Node.js 20 may garbage-collect the timer.
    const end = new AbortController();
    const timer = setTimeout(() => {
      end.abort(new DOMException('no answer in time', 'TimeoutError'));
    }, this.#settings.timeoutMs);
    const stop = (): void => {
      end.abort(signal?.aborted === true ? signal.reason : this.#closing.signal.reason);
    };
    const stopping = [this.#closing.signal, ...(signal === undefined ? [] : [signal])];
    for (const one of stopping) one.addEventListener('abort', stop);
    try {
      if (stopping.some(({ aborted }) => aborted)) stop();
      const { response, body } = await this.#post(texts, end.signal).catch((cause: unknown) => {
        for (const one of stopping) one.throwIfAborted();
        throw this.#unreachable(end.signal.aborted ? end.signal.reason : cause);
      });
      if (!response.ok) throw this.#refusal(response, body);
      return this.#vectors(body, texts.length);
    } finally {
      clearTimeout(timer);
      for (const one of stopping) one.removeEventListener('abort', stop);
    }
  }

  async #post(
    texts: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly response: Response; readonly body: string }> {
    const { apiKey, dimension } = this.#settings;
    const response = await this.#fetch({
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify({
        model: this.#model,
        input: texts,
        encoding_format: 'float',
        ...(dimension === undefined ? {} : { dimensions: dimension }),
      }),
      signal,
      answerLimit: LONGEST_ANSWER_BYTES,
    });
    const body = response.body === null ? '' : await streamedText(response.body, LONGEST_ANSWER_BYTES);
    return { response, body };
  }

  async #fetch(request: ProxiedRequest): Promise<Response> {
    const proxy = findProxy(this.#endpoint);
    if (proxy !== undefined) {
      const { fetchThroughProxy } = await import('../util/proxy-requests.ts');
      return fetchThroughProxy(this.#endpoint, request, proxy);
    }
    return fetch(this.#endpoint, { ...request, redirect: 'error' });
  }

  #unreachable(cause: unknown): Error {
    if (cause instanceof TooLongError) return this.#malformed(cause.message);
    const endpoint = `The embedding endpoint ${this.#endpoint}`;
    if (cause instanceof ProxyError) {
      const message = `${endpoint} cannot be reached: ${cause.message}`;
      return new EmbeddingUnavailableError(message, { cause, fix: cause.fix });
    }
    const tls = tlsProblem(cause);
    if (tls !== undefined) {
      return new EmbeddingUnavailableError(`${endpoint} ${tls.problem}`, {
        cause,
        retryable: false,
        fix: tls.fix,
      });
    }
    const fix = 'Check that it runs and that MEMORY_EMBEDDING_BASE_URL is right.';
    if (cause instanceof Error && cause.name === 'TimeoutError') {
      const message = `${endpoint} did not answer within ${this.#settings.timeoutMs} ms`;
      return new NoAnswerError(message, { cause, retryable: false, fix });
    }
    const reason = reasonOf(cause);
    const why = reason === '' ? '' : ` (${reason})`;
    return new EmbeddingUnavailableError(`${endpoint} cannot be reached${why}`, { cause, fix });
  }

  #refusal(response: Response, body: string): Error {
    const message = `The embedding endpoint ${this.#endpoint} answered ${response.status}`;
    if (response.status === 429) {
      const waitMs = retryAfterMs(response.headers.get('retry-after'), Date.now());
      return new RateLimitedError(`${message} (rate limit)`, waitMs ?? DEFAULT_RETRY_AFTER_MS);
    }
    if (response.status === 401 || response.status === 403) {
      return new EmbeddingUnavailableError(`${message} (key refused)`, {
        retryable: false,
        fix: 'Check MEMORY_EMBEDDING_API_KEY.',
      });
    }
    if (response.status >= 500 || response.status === 408) {
      const fix = 'Look into the log of the endpoint, or wait until its operator has repaired it.';
      return new EmbeddingUnavailableError(message, { fix });
    }
    return new EmbeddingRejectedError(`${message}: ${body.slice(0, 200)}`, {
      fix: 'Check MEMORY_EMBEDDING_MODEL.',
    });
  }

  #vectors(body: string, count: number): Float32Array[] {
    const data = embeddingsOf(body);
    if (data?.length !== count) throw this.#malformed(`it does not have ${count} embeddings`);
    return data.map((values) => this.#vector(values));
  }

  #vector(values: readonly number[]): Float32Array {
    this.#dimension ??= values.length;
    if (values.length !== this.#dimension) {
      throw new EmbeddingRejectedError(
        `The embedding endpoint ${this.#endpoint} answered ${values.length} dimensions, not ${this.#dimension}`,
        { fix: 'Check MEMORY_EMBEDDING_DIMENSION and MEMORY_EMBEDDING_MODEL.' },
      );
    }
    const norm = Math.hypot(...values);
    if (!Number.isFinite(norm) || norm === 0) throw this.#malformed('a vector is not finite or is zero');
    return Float32Array.from(values, (value) => value / norm);
  }

  #malformed(why: string): EmbeddingRejectedError {
    return new EmbeddingRejectedError(
      `The embedding endpoint ${this.#endpoint} sent an unusable answer: ${why}`,
      {
        fix: 'Check that MEMORY_EMBEDDING_BASE_URL is an OpenAI-compatible API, up to and including its version.',
      },
    );
  }
}

class NoAnswerError extends EmbeddingUnavailableError {}

/** The reason of a failed request, which fetch puts into the cause of its error. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? cause.message : '';
}

class RateLimitedError extends EmbeddingUnavailableError {
  readonly retryAfterMs: number;

  constructor(message: string, waitMs: number) {
    super(message, { fix: 'Wait, or use a plan with a higher limit.' });
    this.retryAfterMs = waitMs;
  }
}

/** The embeddings in order of their index; undefined when the body is something else. */
function embeddingsOf(body: string): number[][] | undefined {
  try {
    const { data } = JSON.parse(body) as { data?: { index?: number; embedding?: unknown }[] };
    const sorted = [...(data ?? [])].sort((a, b) => (a.index ?? 0) - (b.index ?? 0));
    const vectors = sorted.map(({ embedding }) => embedding);
    return vectors.every(isNumbers) ? vectors : undefined;
  } catch {
    return undefined;
  }
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number');
}
