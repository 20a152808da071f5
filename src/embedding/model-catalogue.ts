import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ModelCard, type ModelUse, readModelCard, type SizedFile } from './model-card.ts';

/** A model that can be fetched by its name. */
export interface KnownModel extends ModelUse {
  readonly name: string;
  readonly dimension: number;
  /** Path of the repository at huggingface.co, and the commit that the files are of. */
  readonly repository: string;
  readonly revision: string;
  readonly weights: SizedFile;
  readonly tokenizer: SizedFile;
}

/**
 * Sizes and hashes are those of the files at these commits. Weights of 8 bits: a quarter of the size of full ones, and
 * fast without a graphics card.
 */
export const KNOWN_MODELS: readonly KnownModel[] = [
  {
    name: 'multilingual-e5-small',
    dimension: 384,
    maxTokens: 512,
    pooling: 'mean',
    queryPrefix: 'query: ',
    passagePrefix: 'passage: ',
    reads: 'about 100 languages',
    licence: 'MIT',
    source: 'https://huggingface.co/Xenova/multilingual-e5-small',
    repository: 'Xenova/multilingual-e5-small',
    revision: '761b726dd34fb83930e26aab4e9ac3899aa1fa78',
    weights: {
      path: 'onnx/model_quantized.onnx',
      bytes: 118_308_185,
      sha256: 'f80102d3f2a1229f387d3c81909990d8945513e347b0eab049f7de3c6f98c193',
    },
    tokenizer: {
      path: 'tokenizer.json',
      bytes: 17_082_730,
      sha256: '0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39',
    },
  },
  {
    name: 'paraphrase-multilingual-minilm',
    dimension: 384,
    maxTokens: 128,
    pooling: 'mean',
    queryPrefix: '',
    passagePrefix: '',
    reads: 'about 50 languages',
    licence: 'Apache-2.0',
    source: 'https://huggingface.co/Xenova/paraphrase-multilingual-MiniLM-L12-v2',
    repository: 'Xenova/paraphrase-multilingual-MiniLM-L12-v2',
    revision: '2c4055b12046f11709e9df2c122e59ffbdc2f900',
    weights: {
      path: 'onnx/model_quantized.onnx',
      bytes: 118_308_126,
      sha256: '66fc00f5f29afcaff34092e1bdd20008ca3918265a82fb9695a551e510cc4ebc',
    },
    tokenizer: {
      path: 'tokenizer.json',
      bytes: 17_082_913,
      sha256: 'b60b6b43406a48bf3638526314f3d232d97058bc93472ff2de930d43686fa441',
    },
  },
];

/** The description of the model for its folder, which names the very files. */
export function cardOf(model: KnownModel): ModelCard {
  const { name, dimension, maxTokens, pooling, queryPrefix, passagePrefix, reads, licence } = model;
  const { weights, tokenizer } = model;
  const source = `${model.source}/tree/${model.revision}`;
  const use = { maxTokens, pooling, queryPrefix, passagePrefix, reads, licence, source };
  return { version: 1, name, dimension, ...use, weights, tokenizer };
}

export function modelBytes({ weights, tokenizer }: Pick<ModelCard, 'weights' | 'tokenizer'>): number {
  return weights.bytes + tokenizer.bytes;
}

/** A model in a folder of this machine. */
export interface InstalledModel {
  readonly directory: string;
  readonly card: ModelCard;
}

/** The models in the folder for models, by name. A folder without a readable card is left out. */
export async function installedModels(modelsFolder: string): Promise<InstalledModel[]> {
  const entries = await readdir(modelsFolder, { withFileTypes: true }).catch(() => []);
  // Names with a dot in front are those of downloads that are not complete.
  const names = entries.filter((entry) => !entry.name.startsWith('.')).map(({ name }) => name);
  const found = await Promise.all(names.sort().map((name) => installedModel(join(modelsFolder, name))));
  return found.filter((model) => model !== undefined);
}

/** @returns undefined when the folder has no readable card */
export async function installedModel(directory: string): Promise<InstalledModel | undefined> {
  const card = await readModelCard(directory).catch(() => undefined);
  return card === undefined ? undefined : { directory, card };
}
