import { Tokenizer } from '@huggingface/tokenizers';
import { type Chunk, chunkText } from './chunking.ts';
import { BUNDLED_MODEL_ID, readModelFiles } from './model-files.ts';
import { loadRuntime, type LoadedRuntime, type RuntimeOptions } from './onnx-runtime.ts';

/** The part of the tokenizer that is used. The package's own types do not resolve from ES modules. */
interface WordPieceTokenizer {
  encode(text: string): { readonly ids: readonly number[] };
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
}

/**
 * e5-small-v2: the mean of the last hidden state over all tokens, then L2 normalisation. Each run embeds one text: in
 * a batch, the scales of the dynamic int8 quantisation would depend on the other texts, and batches are no faster.
 */
export class E5Model {
  readonly runtimeName: string;
  readonly #runtime: LoadedRuntime;
  readonly #tokenizer: WordPieceTokenizer;

  private constructor(runtime: LoadedRuntime, tokenizer: WordPieceTokenizer) {
    this.runtimeName = runtime.name;
    this.#runtime = runtime;
    this.#tokenizer = tokenizer;
  }

  /** @throws ModelDamagedError, EmbeddingUnavailableError */
  static async load(options: E5ModelOptions): Promise<E5Model> {
    const files = await readModelFiles(options.modelDirectory);
    const runtime = await loadRuntime(files.model, options);
    return new E5Model(runtime, new TokenizerClass(files.tokenizer, {}));
  }

  async embedQuery(text: string): Promise<Float32Array> {
    return this.#embed('query: ', text);
  }

  /** Embeds one chunk of a memory. @returns a unit vector */
  async embedPassage(text: string): Promise<Float32Array> {
    return this.#embed('passage: ', text);
  }

  /** Splits the text of a memory into chunks, by the model's own tokens. */
  split(text: string): Chunk[] {
    return chunkText(text, {
      countTokens: (part) => this.#tokenizer.encode(part).ids.length - SPECIAL_TOKENS,
    });
  }

  /** Embeds a text. One that is too long for one run, such as a long query, becomes the mean of equal parts. */
  async #embed(prefix: string, text: string): Promise<Float32Array> {
    const ids = this.#tokenizer.encode(prefix + text).ids;
    if (ids.length <= MAX_TOKENS) return this.#run(ids);
    const bodyStart = this.#tokenizer.encode(prefix).ids.length - 1;
    const [head, body, tail] = [ids.slice(0, bodyStart), ids.slice(bodyStart, -1), ids.slice(-1)];
    const parts = Math.ceil(body.length / (MAX_TOKENS - head.length - tail.length));
    const size = Math.ceil(body.length / parts);
    const sum = new Float32Array(BUNDLED_MODEL_ID.dimension);
    for (let start = 0; start < body.length; start += size) {
      const vector = await this.#run([...head, ...body.slice(start, start + size), ...tail]);
      vector.forEach((value, i) => {
        sum[i] = (sum[i] ?? 0) + value;
      });
    }
    return unit(sum);
  }

  async #run(ids: readonly number[]): Promise<Float32Array> {
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
    return meanPooled(hidden, ids.length);
  }
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
