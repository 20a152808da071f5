import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelDamagedError } from '../errors/embedding-errors.ts';
import type { EmbeddingModelId } from './embedder.ts';

interface ModelFile {
  readonly name: string;
  readonly sha256: string;
}

const MODEL: ModelFile = {
  name: 'model.onnx',
  sha256: '7d9092cb25f2bd1c023b7e8d2aa459044a02030ac880e5a59fdaf27af69f1ded',
};
const TOKENIZER: ModelFile = {
  name: 'tokenizer.json',
  sha256: 'd241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66',
};

/** The directions of token vectors, which scripts/fit-token-projection.ts wrote. */
const PROJECTION: ModelFile = {
  name: 'token-projection.bin',
  sha256: '95fc381d1336039177d8ee25a7fc260d7c1d5001d64cf546c27c72afaea21e2c',
};

/** Names the token vectors of the bundled model by its projection. */
export const TOKEN_SPACE = `pca128-${PROJECTION.sha256.slice(0, 12)}`;

/** The bundled model: e5-small-v2 (Wang et al. 2022, arXiv:2212.03533), dynamically quantised to int8. */
export const BUNDLED_MODEL_ID: EmbeddingModelId = {
  modelId: 'e5-small-v2-int8',
  dimension: 384,
  weightsHash: MODEL.sha256,
};

export interface ModelFiles {
  readonly model: Uint8Array;
  readonly tokenizer: object;
  readonly projection: Uint8Array;
}

/** Reads the files and checks their hashes. @throws ModelDamagedError that names the file */
export async function readModelFiles(directory: string): Promise<ModelFiles> {
  const [model, tokenizer, projection] = await Promise.all([
    readVerified(directory, MODEL),
    readVerified(directory, TOKENIZER),
    readVerified(directory, PROJECTION),
  ]);
  // The hash was checked, so the file is the JSON object that this version was built with.
  return { model, tokenizer: JSON.parse(tokenizer.toString('utf8')) as object, projection };
}

async function readVerified(directory: string, file: ModelFile): Promise<Buffer> {
  const path = join(directory, file.name);
  const fix = 'Install the package again; until then search works by words.';
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new ModelDamagedError(`The model file ${path} cannot be read`, { cause, fix });
  });
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== file.sha256) {
    throw new ModelDamagedError(
      `The model file ${path} is damaged: its SHA-256 is ${actual}, not ${file.sha256}`,
      { fix },
    );
  }
  return bytes;
}
