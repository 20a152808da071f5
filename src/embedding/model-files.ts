import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelDamagedError } from '../errors/embedding-errors.ts';
import { readReleasable } from '../util/releasable-bytes.ts';
import type { EmbeddingModelId } from './embedder.ts';

/** A file of a model. */
export interface ModelFile {
  /** Path in the folder of the model, with slashes. */
  readonly path: string;
  readonly sha256: string;
}

/** How one vector is made of the vectors of all tokens: their mean, or that of the first token alone. */
export type Pooling = 'mean' | 'first';

/** All that determines the vectors of a model, besides the content of its files. */
export interface ModelFacts {
  readonly id: EmbeddingModelId;
  /** The weights in the ONNX format, in one file. */
  readonly weights: ModelFile;
  /** `tokenizer.json` as `@huggingface/tokenizers` reads it. */
  readonly tokenizer: ModelFile;
  /** Makes token vectors of the last hidden states. Absent when the model has none. */
  readonly projection?: ModelFile;
  readonly queryPrefix: string;
  readonly passagePrefix: string;
  readonly pooling: Pooling;
  /** Maximum number of tokens in one run of the model. */
  readonly maxTokens: number;
  /** The remedy when a file is missing or damaged. */
  readonly fix: string;
}

const WEIGHTS_HASH = '7d9092cb25f2bd1c023b7e8d2aa459044a02030ac880e5a59fdaf27af69f1ded';

/** The directions of token vectors, which scripts/fit-token-projection.ts wrote. */
const PROJECTION: ModelFile = {
  path: 'token-projection.bin',
  sha256: '95fc381d1336039177d8ee25a7fc260d7c1d5001d64cf546c27c72afaea21e2c',
};

/** Names the token vectors of the bundled model by its projection. */
export const TOKEN_SPACE = `pca128-${PROJECTION.sha256.slice(0, 12)}`;

/** The bundled model: e5-small-v2 (Wang et al. 2022, arXiv:2212.03533), dynamically quantised to int8. */
export const BUNDLED_MODEL: ModelFacts = {
  id: { modelId: 'e5-small-v2-int8', dimension: 384, weightsHash: WEIGHTS_HASH },
  weights: { path: 'model.onnx', sha256: WEIGHTS_HASH },
  tokenizer: {
    path: 'tokenizer.json',
    sha256: 'd241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66',
  },
  projection: PROJECTION,
  queryPrefix: 'query: ',
  passagePrefix: 'passage: ',
  pooling: 'mean',
  maxTokens: 512,
  fix: 'Install the package again; until then search works by words.',
};

export interface ModelFiles {
  readonly weights: Uint8Array<ArrayBuffer>;
  readonly tokenizer: object;
  readonly projection: Uint8Array | undefined;
}

/** Reads the files and checks their hashes. @throws ModelDamagedError that names the file */
export async function readModelFiles(directory: string, facts: ModelFacts): Promise<ModelFiles> {
  const read = (file: ModelFile): Promise<Buffer> =>
    verified(join(directory, file.path), (path) => readFile(path), { ...file, fix: facts.fix });
  const [weights, tokenizer, projection] = await Promise.all([
    verified(join(directory, facts.weights.path), readReleasable, { ...facts.weights, fix: facts.fix }),
    read(facts.tokenizer),
    facts.projection === undefined ? undefined : read(facts.projection),
  ]);
  // The hash was checked, so the file is the JSON object that it was when the hash was taken.
  return { weights, tokenizer: JSON.parse(tokenizer.toString('utf8')) as object, projection };
}

async function verified<Bytes extends Uint8Array>(
  path: string,
  read: (path: string) => Promise<Bytes>,
  { sha256, fix }: { readonly sha256: string; readonly fix: string },
): Promise<Bytes> {
  const bytes = await read(path).catch((cause: unknown) => {
    throw new ModelDamagedError(`The model file ${path} cannot be read`, { cause, fix });
  });
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== sha256) {
    throw new ModelDamagedError(
      `The model file ${path} is damaged: its SHA-256 is ${actual}, not ${sha256}`,
      {
        fix,
      },
    );
  }
  return bytes;
}
