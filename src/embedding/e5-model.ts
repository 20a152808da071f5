import { Tokenizer } from '@huggingface/tokenizers';
import { type Chunk, chunkText, MAX_CHUNK_TOKENS, WHOLE_TEXT_TOKENS } from './chunking.ts';
import { EmbeddingUnavailableError } from '../errors/embedding-errors.ts';
import { type ModelFacts, type Pooling, readModelFiles } from './model-files.ts';
import { loadRuntime, type LoadedRuntime, type RuntimeOptions } from './onnx-runtime.ts';

/** The part of the tokenizer that is used. The package's own types do not resolve from ES modules. */
interface ModelTokenizer {
  encode(text: string): { readonly ids: readonly number[] };
}

const TokenizerClass = Tokenizer as unknown as new (vocabulary: object, options: object) => ModelTokenizer;

/** `[CLS]` or `<s>` before every sequence, and `[SEP]` or `</s>` after it. */
const SPECIAL_TOKENS = 2;
/** Names of the output with the vectors of all tokens, in exports of different tools. */
const TOKEN_OUTPUTS = ['last_hidden_state', 'token_embeddings'] as const;

export interface E5ModelOptions extends RuntimeOptions {
  readonly modelDirectory: string;
  readonly facts: ModelFacts;
}

/**
 * A model of the kind of e5-small-v2, such as its multilingual relatives: the vectors of all tokens become one, then L2
 * normalisation. Each run embeds one text: in a batch, the scales of the dynamic int8 quantisation would depend on the
 * other texts, and batches are no faster.
 */
export class E5Model {
  readonly runtimeName: string;
  readonly #runtime: LoadedRuntime;
  readonly #tokenizer: ModelTokenizer;
  readonly #facts: ModelFacts;

  private constructor(runtime: LoadedRuntime, tokenizer: ModelTokenizer, facts: ModelFacts) {
    this.runtimeName = runtime.name;
    this.#runtime = runtime;
    this.#tokenizer = tokenizer;
    this.#facts = facts;
  }

  /** @throws ModelDamagedError, EmbeddingUnavailableError */
  static async load({ facts, ...options }: E5ModelOptions): Promise<E5Model> {
    const files = await readModelFiles(options.modelDirectory, facts);
    const tokenizer = loadTokenizer(files.tokenizer);
    const runtime = await loadRuntime(files.weights, options);
    return new E5Model(runtime, tokenizer, facts);
  }

  async embedQuery(text: string): Promise<Float32Array> {
    return this.#embed(this.#facts.queryPrefix, text);
  }

  /** Embeds one chunk of a memory. @returns a unit vector */
  async embedPassage(text: string): Promise<Float32Array> {
    return this.#embed(this.#facts.passagePrefix, text);
  }

  /** Splits the text of a memory into chunks, by the model's own tokens. */
  split(text: string): Chunk[] {
    // A model for short texts gets chunks that fit into one run, so that it sees all of each.
    const room = this.#facts.maxTokens - this.#prefixTokens(this.#facts.passagePrefix) - SPECIAL_TOKENS;
    return chunkText(text, {
      countTokens: (part) => this.#tokenizer.encode(part).ids.length - SPECIAL_TOKENS,
      maxTokens: Math.min(MAX_CHUNK_TOKENS, room),
      wholeTokens: Math.min(WHOLE_TEXT_TOKENS, room),
    });
  }

  /** Embeds a text. One that is too long for one run, such as a long query, becomes the mean of equal parts. */
  async #embed(prefix: string, text: string): Promise<Float32Array> {
    const { maxTokens } = this.#facts;
    const ids = this.#tokenizer.encode(prefix + text).ids;
    if (ids.length <= maxTokens) return this.#run(ids);
    const bodyStart = this.#prefixTokens(prefix) + 1;
    const [head, body, tail] = [ids.slice(0, bodyStart), ids.slice(bodyStart, -1), ids.slice(-1)];
    const parts = Math.ceil(body.length / (maxTokens - head.length - tail.length));
    const size = Math.ceil(body.length / parts);
    const sum = new Float32Array(this.#facts.id.dimension);
    for (let start = 0; start < body.length; start += size) {
      const vector = await this.#run([...head, ...body.slice(start, start + size), ...tail]);
      vector.forEach((value, i) => {
        sum[i] = (sum[i] ?? 0) + value;
      });
    }
    return unit(sum);
  }

  /** White space at the end is left out: some tokenizers make it a token only when nothing follows. */
  #prefixTokens(prefix: string): number {
    return this.#tokenizer.encode(prefix.trimEnd()).ids.length - SPECIAL_TOKENS;
  }

  async #run(ids: readonly number[]): Promise<Float32Array> {
    const { onnx, session } = this.#runtime;
    const tensor = (values: BigInt64Array): InstanceType<typeof onnx.Tensor> =>
      new onnx.Tensor('int64', values, [1, ids.length]);
    const inputs = {
      input_ids: tensor(BigInt64Array.from(ids, BigInt)),
      attention_mask: tensor(new BigInt64Array(ids.length).fill(1n)),
      token_type_ids: tensor(new BigInt64Array(ids.length)),
    };
    // A model refuses an input that it does not have, and not every model has all three.
    const wanted = Object.entries(inputs).filter(([name]) => session.inputNames.includes(name));
    const output = await session.run(Object.fromEntries(wanted));
    const name = TOKEN_OUTPUTS.find((candidate) => candidate in output);
    const hidden = name === undefined ? undefined : output[name]?.data;
    if (!(hidden instanceof Float32Array)) throw unsuitable(session.outputNames);
    return pooled(hidden, ids.length, this.#facts.pooling);
  }
}

/** @throws EmbeddingUnavailableError for a tokenizer of another kind of model */
function loadTokenizer(content: object): ModelTokenizer {
  let tokenizer: ModelTokenizer;
  try {
    tokenizer = new TokenizerClass(content, {});
    if (tokenizer.encode('').ids.length === SPECIAL_TOKENS) return tokenizer;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EmbeddingUnavailableError(`The tokenizer of the model cannot be used: ${reason}`, {
      cause,
      retryable: false,
      fix: 'Use a model whose tokenizer.json is of the kind WordPiece, BPE or Unigram.',
    });
  }
  throw new EmbeddingUnavailableError(
    'The tokenizer of the model puts no token, or more than one, before and after a text',
    { retryable: false, fix: 'Use an encoder such as BERT or XLM-RoBERTa.' },
  );
}

function unsuitable(outputs: readonly string[]): EmbeddingUnavailableError {
  return new EmbeddingUnavailableError(
    `The model gives no vectors of tokens as 32-bit numbers (${TOKEN_OUTPUTS.join(' or ')}), but ${outputs.join(', ')}`,
    {
      retryable: false,
      fix: 'Use an export for feature extraction, with full or 8-bit weights and not with 16-bit ones.',
    },
  );
}

/** @param hidden tokens × dimension floats. @returns the unit vector of the first one or of the mean */
function pooled(hidden: Float32Array, tokens: number, pooling: Pooling): Float32Array {
  return pooling === 'first' ? unit(hidden.slice(0, hidden.length / tokens)) : meanPooled(hidden, tokens);
}

/** @param hidden tokens × dimension floats. @returns the unit vector of the mean */
function meanPooled(hidden: Float32Array, tokens: number): Float32Array {
  const dimension = hidden.length / tokens;
  const pooled = new Float32Array(dimension);
  for (let token = 0; token < tokens; token += 1) {
    for (let i = 0; i < dimension; i += 1) {
      pooled[i] = (pooled[i] ?? 0) + (hidden[token * dimension + i] ?? 0);
    }
  }
  return unit(pooled);
}

function unit(vector: Float32Array): Float32Array {
  const norm = Math.hypot(...vector);
  return vector.map((value) => value / norm);
}
