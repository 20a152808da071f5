import { Tokenizer } from '@huggingface/tokenizers';
import { chunkText } from '../memory/chunking.ts';
import type { EmbeddedChunk } from './embedder.ts';
import { readModelFiles } from './model-files.ts';
import { loadRuntime, type LoadedRuntime, type RuntimeOptions } from './onnx-runtime.ts';

/** What is used of the tokenizer; the package's own types do not resolve from ES modules. */
interface WordPieceTokenizer {
  encode(text: string): { readonly ids: readonly number[] };
}

const TokenizerClass = Tokenizer as unknown as new (
  vocabulary: object,
  options: object,
) => WordPieceTokenizer;

/** Positions that the model knows, with the two special tokens. */
const MAX_TOKENS = 512;

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
    return this.#run(this.#ids(`query: ${text}`));
  }

  async embedPassage(text: string): Promise<EmbeddedChunk[]> {
    const countTokens = (part: string): number => this.#tokenizer.encode(part).ids.length - 2;
    const embedded: EmbeddedChunk[] = [];
    for (const { start, end } of chunkText(text, { countTokens })) {
      const vector = await this.#run(this.#ids(`passage: ${text.slice(start, end)}`));
      embedded.push({ start, end, vector });
    }
    return embedded;
  }

  /** Chunks are far shorter than the limit; only a query can be longer, and its beginning stands for it. */
  #ids(text: string): bigint[] {
    const ids = this.#tokenizer.encode(text).ids;
    const kept = ids.length <= MAX_TOKENS ? ids : [...ids.slice(0, MAX_TOKENS - 1), ...ids.slice(-1)];
    return kept.map((id) => BigInt(id));
  }

  async #run(ids: readonly bigint[]): Promise<Float32Array> {
    const { onnx, session } = this.#runtime;
    const tensor = (values: BigInt64Array): InstanceType<typeof onnx.Tensor> =>
      new onnx.Tensor('int64', values, [1, ids.length]);
    const output = await session.run({
      input_ids: tensor(BigInt64Array.from(ids)),
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
  const norm = Math.hypot(...pooled);
  return pooled.map((value) => value / norm);
}
