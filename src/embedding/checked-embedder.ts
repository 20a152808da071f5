import { EmbeddingRejectedError, EmbeddingUnavailableError } from '../errors/embedding-errors.ts';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { settleWithin } from '../util/concurrency.ts';
import type {
  EmbeddedChunk,
  EmbeddedQuery,
  Embedder,
  EmbeddingModelId,
  TokenVectors,
  Urgency,
} from './embedder.ts';
import { reasonOf } from '../util/caught.ts';

/** How long `close` waits for the end of an embedder. */
const CLOSE_LIMIT_MS = 5_000;
const LARGEST_DIMENSION = 65_536;
/** Vectors that were rounded to 16 bits are still unit vectors. */
const LENGTH_TOLERANCE = 0.01;

/**
 * Holds an embedder to the port, for those that are not part of this package: a wrong answer is refused before it is
 * stored or compared, an error of any kind becomes an `EmbeddingUnavailableError`, and a call that does not listen to
 * its signal, or never ends, ends for the caller when the signal is aborted or the embedder is closed.
 */
export function checkedEmbedder(embedder: Embedder): Embedder {
  return new CheckedEmbedder(embedder);
}

class CheckedEmbedder implements Embedder {
  readonly #embedder: Embedder;
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;
  #modelId: EmbeddingModelId | undefined;

  constructor(embedder: Embedder) {
    this.#embedder = embedder;
  }

  get ready(): boolean {
    return this.#embedder.ready;
  }

  async modelId(): Promise<EmbeddingModelId> {
    const modelId = await this.#call(() => this.#embedder.modelId());
    checkModelId(modelId);
    const first = (this.#modelId ??= modelId);
    if (first.modelId === modelId.modelId && first.dimension === modelId.dimension) return modelId;
    const names = [first, modelId].map((one) => `${one.modelId} with ${one.dimension} dimensions`);
    throw refusal(`changed its model from ${names.join(' to ')}`, 'Make one embedder for each model.');
  }

  async warmUp(): Promise<void> {
    await this.#call(() => this.#embedder.warmUp());
  }

  async embedQuery(text: string, signal?: AbortSignal): Promise<Float32Array> {
    const { dimension } = await this.modelId();
    const vector = await this.#call(() => this.#embedder.embedQuery(text, signal), signal);
    checkVector(vector, { dimension, of: 'a query' });
    return vector;
  }

  /** Absent too when the embedder cannot give those of a query. */
  get tokenSpace(): string | undefined {
    return this.#embedder.embedQueryTokens === undefined ? undefined : this.#embedder.tokenSpace;
  }

  async embedQueryTokens(text: string, signal?: AbortSignal): Promise<EmbeddedQuery> {
    const { dimension } = await this.modelId();
    const query = await this.#call(async () => this.#embedder.embedQueryTokens?.(text, signal), signal);
    checkVector(query?.vector, { dimension, of: 'a query' });
    checkTokens(query?.tokens, 'a query');
    // Both were checked.
    return query as EmbeddedQuery;
  }

  async embedPassage(text: string, signal?: AbortSignal, urgency?: Urgency): Promise<EmbeddedChunk[]> {
    const { dimension } = await this.modelId();
    const chunks = await this.#call(() => this.#embedder.embedPassage(text, signal, urgency), signal);
    checkChunks(text, chunks);
    chunks.forEach(({ vector, tokens }, index) => {
      const of = `chunk ${index + 1} of a text`;
      checkVector(vector, { dimension, of });
      if (this.tokenSpace !== undefined || tokens !== undefined) checkTokens(tokens, of);
    });
    return chunks;
  }

  describe(): Record<string, string | number | boolean> {
    return this.#embedder.describe();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    // Called in a promise, so that one that throws does not keep the rest from being closed.
    const closed = Promise.resolve().then(() => this.#embedder.close());
    await settleWithin(closed, CLOSE_LIMIT_MS).catch(() => undefined);
  }

  async #call<Answer>(call: () => Promise<Answer>, signal?: AbortSignal): Promise<Answer> {
    signal?.throwIfAborted();
    if (this.#closing.signal.aborted) throw closedError();
    const ends = new AbortController();
    const ended = new Promise<never>((_resolve, reject) => {
      const once = { once: true, signal: ends.signal };
      this.#closing.signal.addEventListener(
        'abort',
        () => {
          reject(closedError());
        },
        once,
      );
      // The reason of a signal may be anything.
      signal?.addEventListener(
        'abort',
        () => {
          reject(signal.reason as Error);
        },
        once,
      );
    });
    try {
      return await Promise.race([Promise.resolve().then(call), ended]);
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof FaissMemoryError ? error : failure(error);
    } finally {
      ends.abort();
    }
  }
}

function closedError(): EmbeddingUnavailableError {
  return new EmbeddingUnavailableError('The embedder is closed', { retryable: false });
}

function failure(error: unknown): EmbeddingUnavailableError {
  const message = reasonOf(error);
  return new EmbeddingUnavailableError(`The embedder failed: ${message}`, { cause: error });
}

function refusal(problem: string, fix: string): EmbeddingRejectedError {
  return new EmbeddingRejectedError(`The embedder ${problem}`, { fix });
}

// Programs in JavaScript have no compiler that checks their values.
function checkModelId(value: unknown): void {
  const { modelId, dimension, weightsHash } = (value ?? {}) as Record<string, unknown>;
  if (typeof modelId !== 'string' || modelId === '')
    throw refusal(`has the model name ${JSON.stringify(modelId)}`, 'Give it a name that is not empty.');
  if (typeof weightsHash !== 'string')
    throw refusal('has no `weightsHash`', 'Give a hash of the weights, or an empty text.');
  if (
    typeof dimension === 'number' &&
    Number.isInteger(dimension) &&
    dimension >= 1 &&
    dimension <= LARGEST_DIMENSION
  )
    return;
  throw refusal(
    `has the dimension ${String(dimension)}`,
    `Allowed is an integer from 1 to ${LARGEST_DIMENSION}.`,
  );
}

function checkVector(vector: unknown, { dimension, of }: { dimension: number; of: string }): void {
  if (!(vector instanceof Float32Array))
    throw refusal(`gave no Float32Array for ${of}`, 'Convert the numbers with Float32Array.from.');
  if (vector.length !== dimension)
    throw refusal(`gave ${vector.length} numbers for ${of}`, `Its model has ${dimension} dimensions.`);
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  if (Math.abs(length - 1) <= LENGTH_TOLERANCE) return;
  throw refusal(
    `gave a vector of length ${length} for ${of}`,
    'Divide each number by the length: it must be 1.',
  );
}

function checkTokens(tokens: TokenVectors | undefined, of: string): void {
  const { pieces, dimension = 0, vectors } = tokens ?? {};
  if (
    pieces instanceof Int32Array &&
    vectors instanceof Float32Array &&
    Number.isInteger(dimension) &&
    dimension > 0 &&
    dimension % 2 === 0 &&
    vectors.length === pieces.length * dimension
  )
    return;
  throw refusal(
    `gave token vectors for ${of} that do not fit its word pieces`,
    'Give an even number of components for each piece, or no `tokenSpace`.',
  );
}

function checkChunks(text: string, chunks: unknown): void {
  if (!Array.isArray(chunks) || chunks.length === 0)
    throw refusal('gave no chunk for a text', 'Give at least one, from 0 to the length of the text.');
  let covered = 0;
  for (const { start, end } of chunks as readonly EmbeddedChunk[]) {
    if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= covered && end > start))
      throw refusal(
        `gave a chunk from ${start} to ${end} after ${covered} characters`,
        'Leave no gap between chunks.',
      );
    covered = Math.max(covered, end);
  }
  if (covered === text.length) return;
  throw refusal(
    `gave chunks for ${covered} of ${text.length} characters`,
    'Cover the whole text, and nothing else.',
  );
}
