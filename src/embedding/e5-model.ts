import { Tokenizer } from '@huggingface/tokenizers';
import { type Chunk, chunkText } from './chunking.ts';
import type { TokenVectors } from './embedder.ts';
import { BUNDLED_MODEL_ID, readModelFiles } from './model-files.ts';
import { loadRuntime, type LoadedRuntime, type RuntimeOptions } from './onnx-runtime.ts';
import { TokenProjection, tokenVectorsOf } from './token-projection.ts';

interface Encoded {
  readonly ids: readonly number[];
  /** The word piece of each id. */
  readonly tokens: readonly string[];
}

/** The part of the tokenizer that is used. The package's own types do not resolve from ES modules. */
interface WordPieceTokenizer {
  encode(text: string): Encoded;
}

const TokenizerClass = Tokenizer as unknown as new (
  vocabulary: object,
  options: object,
) => WordPieceTokenizer;

/** Maximum number of tokens in one run of the model. */
const MAX_TOKENS = 512;
/** `[CLS]` before every sequence and `[SEP]` after it. */
const SPECIAL_TOKENS = 2;

export interface E5ModelOptions extends RuntimeOptions {
  readonly modelDirectory: string;
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
 * e5-small-v2: the mean of the last hidden state over all tokens, then L2 normalisation. Each run embeds one text: in
 * a batch, the scales of the dynamic int8 quantisation would depend on the other texts, and batches are no faster.
 */
export class E5Model {
  readonly runtimeName: string;
  readonly #runtime: LoadedRuntime;
  readonly #tokenizer: WordPieceTokenizer;
  readonly #projection: TokenProjection | undefined;

  private constructor(parts: ModelParts) {
    this.runtimeName = parts.runtime.name;
    this.#runtime = parts.runtime;
    this.#tokenizer = parts.tokenizer;
    this.#projection = parts.projection;
  }

  /** @throws ModelDamagedError, EmbeddingUnavailableError */
  static async load(options: E5ModelOptions): Promise<E5Model> {
    const files = await readModelFiles(options.modelDirectory);
    const runtime = await loadRuntime(files.model, options);
    return new E5Model({
      runtime,
      tokenizer: new TokenizerClass(files.tokenizer, {}),
      projection: options.tokenVectors
        ? TokenProjection.parse(files.projection, BUNDLED_MODEL_ID.dimension)
        : undefined,
    });
  }

  async embedQuery(text: string): Promise<EmbeddedText> {
    return this.#embed('query: ', text);
  }

  /** Embeds one chunk of a memory. */
  async embedPassage(text: string): Promise<EmbeddedText> {
    return this.#embed('passage: ', text);
  }

  /** Splits the text of a memory into chunks, by the model's own tokens. */
  split(text: string): Chunk[] {
    return chunkText(text, {
      countTokens: (part) => this.#tokenizer.encode(part).ids.length - SPECIAL_TOKENS,
    });
  }

  /** Embeds a text. One that is too long for one run, such as a long query, becomes the mean of equal parts. */
  async #embed(prefix: string, text: string): Promise<EmbeddedText> {
    const { ids, tokens } = this.#tokenizer.encode(prefix + text);
    const from = this.#tokenizer.encode(prefix).ids.length - 1;
    const parts = Math.max(1, Math.ceil((ids.length - from - 1) / (MAX_TOKENS - from - 1)));
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
    return joined(runs);
  }

  async #run({ ids, tokens }: Encoded, from: number): Promise<EmbeddedText> {
    const { onnx, session } = this.#runtime;
    const tensor = (values: BigInt64Array): InstanceType<typeof onnx.Tensor> =>
      new onnx.Tensor('int64', values, [1, ids.length]);
    const output = await session.run({
      input_ids: tensor(BigInt64Array.from(ids, BigInt)),
      attention_mask: tensor(new BigInt64Array(ids.length).fill(1n)),
      token_type_ids: tensor(new BigInt64Array(ids.length)),
    });
    const hidden = output['last_hidden_state']?.data;
    if (!(hidden instanceof Float32Array)) throw new TypeError('the model returned no last_hidden_state');
    const vector = meanPooled(hidden, ids.length);
    if (this.#projection === undefined) return { vector, tokens: undefined };
    return { vector, tokens: tokenVectorsOf({ ids, pieces: tokens, hidden, from }, this.#projection) };
  }
}

interface ModelParts {
  readonly runtime: LoadedRuntime;
  readonly tokenizer: WordPieceTokenizer;
  readonly projection: TokenProjection | undefined;
}

/** The mean of the vectors, and all token vectors one after the other. */
function joined(runs: readonly EmbeddedText[]): EmbeddedText {
  const [first] = runs;
  if (first !== undefined && runs.length === 1) return first;
  const sum = new Float32Array(BUNDLED_MODEL_ID.dimension);
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
