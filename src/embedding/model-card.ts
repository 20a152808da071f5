import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { EmbeddingUnavailableError, ModelDamagedError } from '../errors/embedding-errors.ts';
import { writeDurably } from '../util/durable-file.ts';
import { BUNDLED_MODEL, type ModelFacts, type ModelFile, type Pooling } from './model-files.ts';
import { isObject } from '../util/json.ts';

/** The file that describes a model, beside its other files. */
export const CARD_NAME = 'faiss-memory-model.json';

/** Facts that the files of a model do not contain. */
export interface ModelUse {
  readonly queryPrefix: string;
  readonly passagePrefix: string;
  readonly pooling: Pooling;
  readonly maxTokens: number;
  /** For people: the languages. */
  readonly reads: string;
  readonly licence: string;
  /** Where the files come from. */
  readonly source: string;
}

/** The description in a folder with a model. The hashes are those of the day on which it was first used. */
export interface ModelCard extends ModelUse {
  readonly version: 1;
  readonly name: string;
  readonly dimension: number;
  readonly weights: SizedFile;
  readonly tokenizer: SizedFile;
}

export interface SizedFile extends ModelFile {
  readonly bytes: number;
}

/** Places of the weights in a folder, the first one that is there is taken: small ones before large ones. */
const WEIGHTS = [
  'model.onnx',
  'model_quantized.onnx',
  'onnx/model_quantized.onnx',
  'onnx/model_int8.onnx',
  'onnx/model.onnx',
] as const;
const TOKENIZER = 'tokenizer.json';

/** @throws ModelDamagedError when there is no card, or one that this version does not understand */
export async function readModelCard(directory: string): Promise<ModelCard> {
  const path = join(directory, CARD_NAME);
  const fix = `Run "faiss-memory model use ${directory}" to look at the folder again, or "faiss-memory model use bundled".`;
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new ModelDamagedError(`The description ${path} of the model cannot be read`, { cause, fix });
  }
  const card = parseCard(text);
  if (card !== undefined) return card;
  throw new ModelDamagedError(`The description ${path} of the model is not one that this version knows`, {
    fix,
  });
}

/** @throws the error of the file system */
export async function writeModelCard(directory: string, card: ModelCard): Promise<void> {
  const text = `${JSON.stringify(card, undefined, 2)}\n`;
  await writeDurably({ path: join(directory, CARD_NAME), data: text, mode: 0o644 });
}

function parseCard(text: string): ModelCard | undefined {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(content)) return undefined;
  const texts = ['name', 'queryPrefix', 'passagePrefix', 'reads', 'licence', 'source'];
  const numbers = ['dimension', 'maxTokens'];
  const valid =
    content['version'] === 1 &&
    texts.every((key) => typeof content[key] === 'string') &&
    numbers.every((key) => Number.isInteger(content[key]) && Number(content[key]) > 0) &&
    ['mean', 'first'].includes(String(content['pooling'])) &&
    isFile(content['weights']) &&
    isFile(content['tokenizer']);
  // Every member was checked.
  return valid ? (content as unknown as ModelCard) : undefined;
}

function isFile(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { path, sha256, bytes } = value;
  // A card that came with a folder must not name files outside it.
  const inside = typeof path === 'string' && /^(?:[\w-][\w.-]*\/)*[\w-][\w.-]*$/.test(path);
  return inside && typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256) && Number.isInteger(bytes);
}

export function factsOf(card: ModelCard): ModelFacts {
  const { name, dimension, weights, tokenizer, queryPrefix, passagePrefix, pooling, maxTokens } = card;
  const { source } = card;
  // Two vectors may be compared only when all of this is the same.
  const determined = [weights.sha256, tokenizer.sha256, queryPrefix, passagePrefix, pooling, maxTokens];
  const weightsHash = createHash('sha256').update(JSON.stringify(determined)).digest('hex');
  return {
    id: { modelId: `local:${name}`, dimension, weightsHash },
    weights,
    tokenizer,
    queryPrefix,
    passagePrefix,
    pooling,
    maxTokens,
    fix:
      source === ''
        ? `Put the file back. If you replaced it on purpose, delete ${CARD_NAME} beside it and run "faiss-memory model use" with the folder again. Until then search works by words.`
        : `Run "faiss-memory model use ${name}" to fetch it again; until then search works by words.`,
  };
}

/** The differences from the folder's description that the caller wants. */
export type ModelChoices = {
  readonly [Fact in 'name' | 'queryPrefix' | 'passagePrefix' | 'pooling' | 'source']?:
    ModelCard[Fact] | undefined;
};

/**
 * Looks at the files of a folder and makes a card of them; the dimension is 0, because only a run tells it.
 * @throws EmbeddingUnavailableError for a folder without a usable model
 */
export async function describeFolder(directory: string, choices: ModelChoices): Promise<ModelCard> {
  const folder = await stat(directory).catch(() => undefined);
  if (folder?.isDirectory() !== true) throw noModel(`${directory} is not a folder`);
  const weights = await firstFile(directory, WEIGHTS);
  if (weights === undefined) throw noModel(`The folder ${directory} has none of ${WEIGHTS.join(', ')}`);
  const tokenizer = await firstFile(directory, [TOKENIZER]);
  if (tokenizer === undefined) throw noModel(`The folder ${directory} has no ${TOKENIZER}`);
  await checkContent(join(directory, weights), 'weights');
  await checkContent(join(directory, tokenizer), 'tokenizer');
  const { name = basename(directory), source = '', ...chosen } = choices;
  const isE5 = /\be5\b/i.test(`${name} ${basename(directory)}`);
  return {
    version: 1,
    name,
    dimension: 0,
    maxTokens: await readMaxTokens(directory),
    pooling: chosen.pooling ?? (await readPooling(directory)),
    // The e5 models were trained with these; others lose by them.
    queryPrefix: chosen.queryPrefix ?? (isE5 ? BUNDLED_MODEL.queryPrefix : ''),
    passagePrefix: chosen.passagePrefix ?? (isE5 ? BUNDLED_MODEL.passagePrefix : ''),
    reads: '',
    licence: '',
    source,
    weights: await sized(directory, weights),
    tokenizer: await sized(directory, tokenizer),
  };
}

function noModel(problem: string): EmbeddingUnavailableError {
  return new EmbeddingUnavailableError(problem, {
    retryable: false,
    fix: 'Name a folder with the weights in the ONNX format and tokenizer.json, as models on huggingface.co have them.',
  });
}

async function firstFile(directory: string, paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const found = await stat(join(directory, path)).catch(() => undefined);
    if (found?.isFile() === true) return path;
  }
  return undefined;
}

/** Recognises common stand-ins for a file: a page, or the pointer that Git keeps of large files. */
async function checkContent(path: string, what: 'weights' | 'tokenizer'): Promise<void> {
  const problem = problemOf(await beginning(path), what);
  if (problem !== undefined) throw noModel(`The file ${path} ${problem}`);
}

/** @param head the first bytes of the file. @returns undefined when they may be those of such a file */
export function problemOf(head: Buffer, what: 'weights' | 'tokenizer'): string | undefined {
  const text = head.toString('latin1').trimStart();
  if (text === '') return 'is empty';
  if (/^<(?:!doctype|html|\?xml)/i.test(text)) return 'is a web page and not a file of a model';
  if (text.startsWith('version https://git-lfs'))
    return 'is a pointer of Git LFS; "git lfs pull" gets the file itself';
  if (what === 'tokenizer' && !text.startsWith('{')) return 'is not a JSON object';
  if (what === 'weights' && text.startsWith('{')) return 'is JSON and not a file of weights';
  return undefined;
}

async function beginning(path: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function sized(directory: string, path: string): Promise<SizedFile> {
  const file = join(directory, path);
  return { path, bytes: (await stat(file)).size, sha256: await hashOf(file) };
}

export async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
  return hash.digest('hex');
}

/** The pooling in the layout of sentence-transformers; the mean when the folder does not say. */
async function readPooling(directory: string): Promise<Pooling> {
  const config = await readJson(join(directory, '1_Pooling', 'config.json'));
  return config['pooling_mode_cls_token'] === true ? 'first' : 'mean';
}

async function readMaxTokens(directory: string): Promise<number> {
  const sentences = await readJson(join(directory, 'sentence_bert_config.json'));
  const tokenizer = await readJson(join(directory, 'tokenizer_config.json'));
  const config = await readJson(join(directory, 'config.json'));
  // Positions of XLM-RoBERTa begin at 2, and longer runs than 512 tokens gain nothing for chunks of 256.
  const limits = [
    sentences['max_seq_length'],
    tokenizer['model_max_length'],
    config['max_position_embeddings'],
  ];
  const known = limits.filter((limit) => typeof limit === 'number' && limit >= 32).map(Number);
  return Math.min(BUNDLED_MODEL.maxTokens, ...known);
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  const text = await readFile(path, 'utf8').catch(() => '{}');
  try {
    const content: unknown = JSON.parse(text);
    return isObject(content) ? content : {};
  } catch {
    return {};
  }
}
