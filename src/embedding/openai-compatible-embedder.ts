import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddingRejectedError } from '../errors/embedding-rejected-error.ts';
import { EmbeddingUnavailableError } from '../errors/embedding-unavailable-error.ts';
import { chunkText } from '../memory/chunking.ts';
import { estimateTokens } from '../memory/estimate-tokens.ts';
import { tlsProblem } from '../util/network-problem.ts';
import { fetchThroughProxy, findProxy, ProxyError, type ProxiedRequest } from '../util/proxy.ts';
import type { EmbeddedChunk, Embedder, ModelStamp } from './embedder.ts';

export interface OpenAiCompatibleSettings {
  /** Up to and including the version, for example `http://127.0.0.1:11434/v1`. */
  readonly baseUrl?: string | undefined;
  readonly apiKey?: string | undefined;
  readonly model?: string | undefined;
  /** Asked of the endpoint and checked; absent = learnt from the first answer. */
  readonly dimension?: number | undefined;
  readonly timeoutMs?: number;
  readonly queryPrefix?: string | undefined;
  readonly passagePrefix?: string | undefined;
  /** First pause between tries; it doubles. */
  readonly retryDelayMs?: number;
}

const ATTEMPTS = 4;
/** After a call that failed in the end, calls are tried only once for so long: searches go on by words. */
const DOUBT_MS = 10_000;
const MAX_RETRY_AFTER_MS = 20_000;
const TEXTS_PER_REQUEST = 32;

/** An endpoint with OpenAI's `POST /embeddings`: OpenAI, Ollama, LM Studio, vLLM and others. */
export class OpenAiCompatibleEmbedder implements Embedder {
  readonly #settings: Required<Pick<OpenAiCompatibleSettings, 'timeoutMs' | 'retryDelayMs'>> &
    OpenAiCompatibleSettings;
  readonly #endpoint: string;
  readonly #model: string;
  readonly #closing = new AbortController();
  #dimension: number | undefined;
  #doubtedUntil = -Infinity;

  constructor(settings: OpenAiCompatibleSettings) {
    this.#settings = { timeoutMs: 30_000, retryDelayMs: 500, ...settings };
    this.#endpoint = `${(settings.baseUrl ?? 'https://api.openai.com/v1').replace(/\/+$/, '')}/embeddings`;
    this.#model = settings.model ?? 'text-embedding-3-small';
    this.#dimension = settings.dimension;
  }

  /** Asks the endpoint once for the dimension when it is not configured. */
  async stamp(): Promise<ModelStamp> {
    if (this.#dimension === undefined) await this.warmUp();
    return { modelId: `openai:${this.#model}`, dimension: this.#dimension ?? 0, weightsHash: '' };
  }

  /** There is nothing to load here. */
  get ready(): boolean {
    return true;
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
    const attempts = performance.now() < this.#doubtedUntil ? 1 : ATTEMPTS;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#request(texts, signal);
      } catch (error) {
        const passing = error instanceof EmbeddingUnavailableError && error.retryable;
        if (passing && attempt === attempts) this.#doubtedUntil = performance.now() + DOUBT_MS;
        if (!passing || attempt === attempts || this.#stopped(signal).aborted) throw error;
        await sleep(this.#pause(error, attempt), undefined, { signal: this.#stopped(signal), ref: false });
      }
    }
  }

  /** Full jitter (Brooker 2015), unless the endpoint says how long to wait. */
  #pause(error: EmbeddingUnavailableError, attempt: number): number {
    if (error instanceof RateLimitedError) return Math.min(error.retryAfterMs, MAX_RETRY_AFTER_MS);
    return Math.random() * this.#settings.retryDelayMs * 2 ** attempt;
  }

  #stopped(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
  }

  async #request(texts: readonly string[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
    const { apiKey, dimension, timeoutMs } = this.#settings;
    const stopped = this.#stopped(signal);
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
      signal: AbortSignal.any([stopped, AbortSignal.timeout(timeoutMs)]),
    }).catch((cause: unknown) => {
      stopped.throwIfAborted();
      throw this.#unreachable(cause);
    });
    const body = await response.text().catch((cause: unknown) => {
      throw this.#unreachable(cause);
    });
    if (!response.ok) throw this.#refusal(response, body);
    return this.#vectors(body, texts.length);
  }

  #fetch(request: ProxiedRequest): Promise<Response> {
    const proxy = findProxy(this.#endpoint);
    if (proxy !== undefined) return fetchThroughProxy(this.#endpoint, request, proxy);
    return fetch(this.#endpoint, { ...request, redirect: 'error' });
  }

  #unreachable(cause: unknown): EmbeddingUnavailableError {
    if (cause instanceof ProxyError) {
      const message = `The embedding endpoint ${this.#endpoint} cannot be reached: ${cause.message}`;
      return new EmbeddingUnavailableError(message, { cause, fix: cause.fix });
    }
    const tls = tlsProblem(cause);
    if (tls !== undefined) {
      const message = `The embedding endpoint ${this.#endpoint} ${tls.problem}`;
      return new EmbeddingUnavailableError(message, { cause, retryable: false, fix: tls.fix });
    }
    const timedOut = cause instanceof Error && cause.name === 'TimeoutError';
    const what = timedOut ? `did not answer within ${this.#settings.timeoutMs} ms` : 'cannot be reached';
    return new EmbeddingUnavailableError(`The embedding endpoint ${this.#endpoint} ${what}`, {
      cause,
      retryable: !timedOut,
      fix: 'Check that it runs and that MEMORY_EMBEDDING_BASE_URL is right.',
    });
  }

  #refusal(response: Response, body: string): Error {
    const message = `The embedding endpoint ${this.#endpoint} answered ${response.status}`;
    if (response.status === 429)
      return new RateLimitedError(`${message} (rate limit)`, retryAfterMs(response));
    if (response.status === 401 || response.status === 403) {
      return new EmbeddingUnavailableError(`${message} (key refused)`, {
        retryable: false,
        fix: 'Check MEMORY_EMBEDDING_API_KEY.',
      });
    }
    if (response.status >= 500 || response.status === 408) return new EmbeddingUnavailableError(message);
    return new EmbeddingRejectedError(`${message}: ${body.slice(0, 200)}`, {
      fix: 'Check MEMORY_EMBEDDING_MODEL.',
    });
  }

  #vectors(body: string, count: number): Float32Array[] {
    const data = embeddingsOf(body);
    if (data?.length !== count) throw this.#malformed(`it has not ${count} embeddings`);
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
      `The embedding endpoint ${this.#endpoint} sent an answer that is none: ${why}`,
    );
  }
}

class RateLimitedError extends EmbeddingUnavailableError {
  readonly retryAfterMs: number;

  constructor(message: string, waitMs: number) {
    super(message, { fix: 'Wait, or use a plan with a higher limit.' });
    this.retryAfterMs = waitMs;
  }
}

function retryAfterMs(response: Response): number {
  const seconds = Number(response.headers.get('retry-after') ?? '1');
  return Number.isFinite(seconds) ? seconds * 1_000 : 1_000;
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
