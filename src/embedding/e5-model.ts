import { Tokenizer } from '@huggingface/tokenizers';
import { type Chunk, chunkText } from './chunking.ts';
import { BUNDLED_MODEL_ID, readModelFiles } from './model-files.ts';
import { loadRuntime, type LoadedRuntime, type RuntimeOptions } from './onnx-runtime.ts';

/** What is used of the tokenizer; the package's own types do not resolve from ES modules. */
interface WordPieceTokenizer {
  encode(text: string): { readonly ids: readonly number[] };
}

const TokenizerClass = Tokenizer as unknown as new (
  vocabulary: object,
  options: object,
) => WordPieceTokenizer;

/** Positions that the model knows. */
const MAX_TOKENS = 512;
/** `[CLS]` in front of every sequence and `[SEP]` behind it. */
const SPECIAL_TOKENS = 2;

export interface E5ModelOptions extends RuntimeOptions {
  readonly modelDirectory: string;
}

/**
 * e5-small-v2: mean pooling over the last hidden state with the attention mask, then L2 normalisation. One text
 * per run: the scales of dynamic int8 quantisation depend on the whole batch, and batches are no faster.
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

  /** Embeds one chunk of a memory. */
  async embedPassage(text: string): Promise<Float32Array> {
    return this.#embed('passage: ', text);
  }

  /** The chunks in which a memory is embedded. */
  split(text: string): Chunk[] {
    return chunkText(text, {
      countTokens: (part) => this.#tokenizer.encode(part).ids.length - SPECIAL_TOKENS,
    });
  }

  /** A text too long for one run (a long query) is the mean of equal parts: nothing of it is dropped. */
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
