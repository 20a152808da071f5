import { Tokenizer } from '@huggingface/tokenizers';
import { type Chunk, chunkText, MAX_CHUNK_TOKENS, WHOLE_TEXT_TOKENS } from './chunking.ts';
import { EmbeddingUnavailableError } from '../errors/embedding-errors.ts';
import type { TokenVectors } from './embedder.ts';
import { type ModelFacts, type Pooling, readModelFiles } from './model-files.ts';
import { loadRuntime, type LoadedRuntime, type RuntimeOptions } from './onnx-runtime.ts';
import { TokenProjection, tokenVectorsOf } from './token-projection.ts';
import { reasonOf } from '../util/caught.ts';

interface Encoded {
  readonly ids: readonly number[];
  /** The word piece of each id. */
  readonly tokens: readonly string[];
}

/** The part of the tokenizer that is used. The package's own types do not resolve from ES modules. */
interface ModelTokenizer {
  encode(text: string): Encoded;
}

const TokenizerClass = Tokenizer as unknown as new (vocabulary: object, options: object) => ModelTokenizer;

/** `[CLS]` or `<s>` before every sequence, and `[SEP]` or `</s>` after it. */
const SPECIAL_TOKENS = 2;
/** Names of the output with the vectors of all tokens, in exports of different tools. */
const TOKEN_OUTPUTS = ['last_hidden_state', 'token_embeddings'] as const;

export interface E5ModelOptions extends RuntimeOptions {
  readonly modelDirectory: string;
  readonly facts: ModelFacts;
  /** Whether the token vectors of texts are wanted too. */
  readonly tokenVectors: boolean;
}

/** A text as the model embeds it. */
export interface EmbeddedText {
  /** A unit vector. */
  readonly vector: Float32Array;
  /** Undefined unless wanted. */
  readonly tokens: TokenVectors | undefined;
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
  readonly #projection: TokenProjection | undefined;

  private constructor(parts: ModelParts) {
    this.runtimeName = parts.runtime.name;
    this.#runtime = parts.runtime;
    this.#tokenizer = parts.tokenizer;
    this.#facts = parts.facts;
    this.#projection = parts.projection;
  }

  /** @throws ModelDamagedError, EmbeddingUnavailableError */
  static async load({ facts, ...options }: E5ModelOptions): Promise<E5Model> {
    const files = await readModelFiles(options.modelDirectory, facts);
    const tokenizer = loadTokenizer(files.tokenizer);
    const runtime = await loadRuntime(files.weights, options);
    const projection =
      options.tokenVectors && files.projection !== undefined
        ? TokenProjection.parse(files.projection, facts.id.dimension)
        : undefined;
    return new E5Model({ runtime, tokenizer, facts, projection });
  }

  async embedQuery(text: string): Promise<EmbeddedText> {
    return this.#embed(this.#facts.queryPrefix, text);
  }

  /** Embeds one chunk of a memory. */
  async embedPassage(text: string): Promise<EmbeddedText> {
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
  async #embed(prefix: string, text: string): Promise<EmbeddedText> {
    const { ids, tokens } = this.#tokenizer.encode(prefix + text);
    const from = this.#prefixTokens(prefix) + 1;
    const parts = Math.max(1, Math.ceil((ids.length - from - 1) / (this.#facts.maxTokens - from - 1)));
    const size = Math.ceil((ids.length - from - 1) / parts);
    const runs: EmbeddedText[] = [];
    for (let start = from; start < ids.length - 1 || runs.length === 0; start += size) {
      const end = Math.min(start + size, ids.length - 1);
      const part = <Item>(all: readonly Item[]): readonly Item[] => [
        ...all.slice(0, from),
        ...all.slice(start, end),
        ...all.slice(-1),
      ];
      runs.push(await this.#run({ ids: part(ids), tokens: part(tokens) }, from));
    }
    return joined(runs, this.#facts.id.dimension);
  }

  /** White space at the end is left out: some tokenizers make it a token only when nothing follows. */
  #prefixTokens(prefix: string): number {
    return this.#tokenizer.encode(prefix.trimEnd()).ids.length - SPECIAL_TOKENS;
  }

  async #run({ ids, tokens }: Encoded, from: number): Promise<EmbeddedText> {
    const { onnx, session, mask } = this.#runtime;
    const shape = [1, ids.length];
    const tensor = (values: BigInt64Array): InstanceType<typeof onnx.Tensor> =>
      new onnx.Tensor('int64', values, shape);
    const inputs = {
      input_ids: tensor(BigInt64Array.from(ids, BigInt)),
      attention_mask:
        mask === 'float32'
          ? new onnx.Tensor(mask, new Float32Array(ids.length).fill(1), shape)
          : tensor(new BigInt64Array(ids.length).fill(1n)),
      token_type_ids: tensor(new BigInt64Array(ids.length)),
    };
    // A model refuses an input that it does not have, and not every model has all three.
    const wanted = Object.entries(inputs).filter(([name]) => session.inputNames.includes(name));
    const output = await session.run(Object.fromEntries(wanted));
    const name = TOKEN_OUTPUTS.find((candidate) => candidate in output);
    const hidden = name === undefined ? undefined : output[name]?.data;
    if (!(hidden instanceof Float32Array)) throw unsuitable(session.outputNames);
    const vector = pooled(hidden, ids.length, this.#facts.pooling);
    if (this.#projection === undefined) return { vector, tokens: undefined };
    return { vector, tokens: tokenVectorsOf({ ids, pieces: tokens, hidden, from }, this.#projection) };
  }
}

interface ModelParts {
  readonly runtime: LoadedRuntime;
  readonly tokenizer: ModelTokenizer;
  readonly facts: ModelFacts;
  readonly projection: TokenProjection | undefined;
}

/** @throws EmbeddingUnavailableError for a tokenizer of another kind of model */
function loadTokenizer(content: object): ModelTokenizer {
  let tokenizer: ModelTokenizer;
  try {
    tokenizer = new TokenizerClass(content, {});
    if (tokenizer.encode('').ids.length === SPECIAL_TOKENS) return tokenizer;
  } catch (cause) {
    const reason = reasonOf(cause);
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

/** The mean of the vectors, and all token vectors one after the other. */
function joined(runs: readonly EmbeddedText[], dimension: number): EmbeddedText {
  const [first] = runs;
  if (first !== undefined && runs.length === 1) return first;
  const sum = new Float32Array(dimension);
  for (const { vector } of runs) {
    vector.forEach((value, i) => {
      sum[i] = (sum[i] ?? 0) + value;
    });
  }
  const tokens = runs.flatMap((run) => run.tokens ?? []);
  return {
    vector: unit(sum),
    tokens:
      tokens[0] === undefined
        ? undefined
        : {
            pieces: Int32Array.from(tokens.flatMap(({ pieces }) => [...pieces])),
            dimension: tokens[0].dimension,
            vectors: Float32Array.from(tokens.flatMap(({ vectors }) => [...vectors])),
          },
  };
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
