import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { defaultDataFolder, type Environment, homeOf, pathsOf } from '../config/environment.ts';
import type { Settings } from '../config/schema.ts';
import { BundledEmbedder } from '../embedding/bundled-embedder.ts';
import type { Embedder } from '../embedding/embedder.ts';
import {
  describeFolder,
  factsOf,
  type ModelCard,
  type ModelChoices,
  readModelCard,
  writeModelCard,
} from '../embedding/model-card.ts';
import {
  cardOf,
  installedModel,
  installedModels,
  KNOWN_MODELS,
  type KnownModel,
  modelBytes,
} from '../embedding/model-catalogue.ts';
import { DEFAULT_HUB, downloadModel } from '../embedding/model-download.ts';
import { BUNDLED_MODEL } from '../embedding/model-files.ts';
import { OpenAiCompatibleEmbedder } from '../embedding/openai-compatible-embedder.ts';
import { EmbeddingUnavailableError, ModelDamagedError } from '../errors/embedding-errors.ts';
import { UsageError } from '../errors/input-errors.ts';
import { nearestName } from '../util/text.ts';
import { reasonOf } from '../util/caught.ts';

export const BUNDLED_NAME = 'bundled';

/** A model as the list shows it. */
export interface ListedModel {
  /** The word for `model use`. */
  readonly name: string;
  readonly state: 'in use' | 'installed' | 'not installed' | 'damaged';
  /** Languages, in words; empty when unknown. */
  readonly reads: string;
  /** Of its files; undefined for an endpoint. */
  readonly bytes: number | undefined;
  readonly dimension: number | undefined;
  readonly licence: string;
  readonly folder: string | undefined;
}

/** The request of `model use`. */
export type ModelTarget =
  | { readonly kind: 'bundled' }
  | { readonly kind: 'known'; readonly model: KnownModel }
  | { readonly kind: 'folder'; readonly directory: string }
  | { readonly kind: 'endpoint'; readonly baseUrl: string };

/** A model that was tried out. */
export interface TriedModel {
  readonly name: string;
  readonly modelId: string;
  readonly dimension: number;
  readonly reads: string;
  /** Members of `embedding` in the configuration that choose it; those that are undefined have to go. */
  readonly settings: Readonly<Record<(typeof MODEL_SETTINGS)[number], string | number | undefined>>;
}

/** The members of `embedding` in the configuration that say which model is used. */
export const MODEL_SETTINGS = [
  'provider',
  'modelDirectory',
  'baseUrl',
  'model',
  'dimension',
  'queryPrefix',
  'passagePrefix',
] as const;

const NOTHING_SET = {
  provider: undefined,
  modelDirectory: undefined,
  baseUrl: undefined,
  model: undefined,
  dimension: undefined,
  queryPrefix: undefined,
  passagePrefix: undefined,
};

/** Where fetched models are: beside the memories of this user, also when the memories are elsewhere. */
export function modelsFolder(environment: Environment): string {
  return pathsOf(environment).join(defaultDataFolder(environment), 'models');
}

/** All models that are known or in use; asks no network. */
export async function listModels(environment: Environment, settings: Settings): Promise<ListedModel[]> {
  const { provider, modelDirectory } = settings.embedding;
  const installed = await installedModels(modelsFolder(environment));
  const used = provider === 'local' && modelDirectory !== undefined ? modelDirectory : undefined;
  const bundled: ListedModel = {
    name: BUNDLED_NAME,
    state: provider === 'bundled' ? 'in use' : 'installed',
    reads: 'English',
    bytes: 34_923_907,
    dimension: BUNDLED_MODEL.id.dimension,
    licence: 'MIT',
    folder: undefined,
  };
  const local = installed.map(({ directory, card }) => listed(card, directory, used));
  const others = KNOWN_MODELS.filter(({ name }) => !local.some((model) => model.name === name));
  const known = others.map((model): ListedModel => ({
    ...listed(cardOf(model), undefined, used),
    state: 'not installed',
  }));
  return [bundled, ...local, ...known, ...(await usedElsewhere(settings, [bundled, ...local]))];
}

function listed(card: ModelCard, folder: string | undefined, used: string | undefined): ListedModel {
  const { name, reads, dimension, licence } = card;
  const state = folder !== undefined && folder === used ? 'in use' : 'installed';
  return { name, state, reads, bytes: modelBytes(card), dimension, licence, folder };
}

/** The model in use when it is none of the folder for models: another folder, or an endpoint. */
async function usedElsewhere(
  { embedding }: Settings,
  listedModels: readonly ListedModel[],
): Promise<ListedModel[]> {
  const { provider, modelDirectory, model, dimension } = embedding;
  if (provider === 'none' || listedModels.some(({ state }) => state === 'in use')) return [];
  const unknown = { reads: '', bytes: undefined, dimension, licence: '', folder: undefined };
  if (provider === 'openai')
    return [{ ...unknown, name: model ?? 'text-embedding-3-small', state: 'in use' }];
  const directory = modelDirectory ?? '';
  const found = await installedModel(directory);
  if (found === undefined)
    return [{ ...unknown, name: basename(directory), state: 'damaged', folder: directory }];
  return [listed(found.card, directory, directory)];
}

/** @throws UsageError for a word that names no model */
export function findModel(word: string, environment: Environment): ModelTarget {
  const paths = pathsOf(environment);
  if (word === BUNDLED_NAME) return { kind: 'bundled' };
  const model = KNOWN_MODELS.find(({ name }) => name === word);
  if (model !== undefined) return { kind: 'known', model };
  if (/^https?:\/\//i.test(word)) return { kind: 'endpoint', baseUrl: word };
  const installed = paths.join(modelsFolder(environment), word);
  if (!/[/\\]/.test(word) && !/^\.*$/.test(word) && existsSync(installed))
    return { kind: 'folder', directory: installed };
  const path = word.replace(/^~(?=$|[/\\])/, () => homeOf(environment));
  const directory = paths.resolve(environment.workingDirectory, path);
  if (/[/\\]/.test(word) || /^[.~]/.test(word) || existsSync(directory)) return { kind: 'folder', directory };
  const names = [BUNDLED_NAME, ...KNOWN_MODELS.map(({ name }) => name)];
  const near = nearestName(word, names);
  throw new UsageError(
    `no model is called ${word}${near === undefined ? '' : `; did you mean ${near}?`}`,
    `Known are ${names.join(', ')}; or name the path of a folder with a model, or the address of an endpoint.`,
  );
}

/** The folder of a known model if it is there and whole; undefined when it has to be fetched. */
export async function wholeModel(
  model: KnownModel,
  environment: Environment,
  settings: Settings,
): Promise<TriedModel | undefined> {
  const directory = pathsOf(environment).join(modelsFolder(environment), model.name);
  if (!existsSync(directory)) return undefined;
  try {
    const card = await readModelCard(directory);
    // Facts that a newer version of the program corrected count.
    if (card.weights.sha256 !== model.weights.sha256) return undefined;
    return await tryFolder(directory, {}, settings);
  } catch (error) {
    if (error instanceof ModelDamagedError) return undefined;
    throw error;
  }
}

/** The address that models are fetched from: `HF_ENDPOINT`, as in other programs, names a mirror. */
export function hubOf({ env }: Environment): string {
  const mirror = env['HF_ENDPOINT']?.trim() ?? '';
  return mirror === '' ? DEFAULT_HUB : mirror;
}

export async function fetchModel(
  model: KnownModel,
  environment: Environment,
  work: {
    readonly signal: AbortSignal;
    readonly onProgress: (bytes: { readonly done: number; readonly total: number }) => void;
  },
): Promise<string> {
  return downloadModel({
    model,
    modelsFolder: modelsFolder(environment),
    hub: hubOf(environment),
    ...work,
  });
}

/**
 * Loads the model of a folder and embeds with it, and writes its description into the folder, with the hashes of its
 * files. A folder that was described before keeps its description, unless a file or a choice is another one.
 * @throws EmbeddingUnavailableError for a folder without a usable model, ModelDamagedError
 */
export async function tryFolder(
  directory: string,
  choices: ModelChoices,
  settings: Settings,
): Promise<TriedModel> {
  const before = await readModelCard(directory).catch(() => undefined);
  const chosen = Object.values(choices).some((choice) => choice !== undefined);
  const card =
    before !== undefined && !chosen ? before : await describeFolder(directory, defined(before, choices));
  const dimension = await probe(
    new BundledEmbedder({
      runtime: settings.embedding.runtime,
      threads: settings.embedding.threads,
      modelDirectory: directory,
      local: factsOf(card),
    }),
  );
  const complete = { ...card, dimension };
  if (before === undefined || chosen) await describe(directory, complete);
  const { modelId } = factsOf(complete).id;
  return {
    name: card.name,
    modelId,
    dimension,
    reads: card.reads,
    settings: { ...NOTHING_SET, provider: 'local', modelDirectory: directory },
  };
}

/** The choices, and for those that were not made the values of the folder's description. */
function defined(before: ModelCard | undefined, choices: ModelChoices): ModelChoices {
  const made = Object.fromEntries(Object.entries(choices).filter(([, choice]) => choice !== undefined));
  if (before === undefined) return made;
  const { name, queryPrefix, passagePrefix, pooling, source } = before;
  return { name, queryPrefix, passagePrefix, pooling, source, ...made };
}

async function describe(directory: string, card: ModelCard): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
    await writeModelCard(directory, card);
  } catch (cause) {
    const reason = reasonOf(cause);
    throw new EmbeddingUnavailableError(`The folder ${directory} cannot be written: ${reason}`, {
      cause,
      retryable: false,
      fix: 'Repair its permissions, or copy the model to a folder of your own: a description is written beside its files.',
    });
  }
}

/** @throws EmbeddingUnavailableError, EmbeddingRejectedError when it does not answer */
export async function tryEndpoint(
  baseUrl: string,
  choices: Partial<Record<'model' | 'queryPrefix' | 'passagePrefix', string | undefined>>,
  settings: Settings,
): Promise<TriedModel> {
  const { apiKey, timeoutSeconds } = settings.embedding;
  const embedder = new OpenAiCompatibleEmbedder({
    ...choices,
    baseUrl,
    apiKey: apiKey?.reveal(),
    timeoutMs: timeoutSeconds * 1_000,
  });
  const dimension = await probe(embedder);
  const { modelId } = await embedder.modelId();
  const name = choices.model ?? modelId.replace(/^openai:/, '');
  const chosen = { provider: 'openai', baseUrl, ...choices, model: name };
  return { name, modelId, dimension, reads: '', settings: { ...NOTHING_SET, ...chosen } };
}

export function bundledModel(): TriedModel {
  const { modelId, dimension } = BUNDLED_MODEL.id;
  return { name: BUNDLED_NAME, modelId, dimension, reads: 'English', settings: NOTHING_SET };
}

/** Embeds two texts, and closes the embedder. @returns the dimension */
async function probe(embedder: Embedder): Promise<number> {
  try {
    const first = await embedder.embedQuery('Where do we meet on Monday?');
    const [second] = await embedder.embedPassage('The spare key hangs behind the blue door.');
    const cosine = first.reduce((sum, value, index) => sum + value * (second?.vector[index] ?? NaN), 0);
    if (first.length > 0 && Number.isFinite(cosine) && cosine < 0.9999) return first.length;
    throw new EmbeddingUnavailableError('The model gives the same vector for different texts, or none', {
      retryable: false,
      fix: 'Use a model for sentence embeddings, and with --pooling first or mean the way that its authors name.',
    });
  } finally {
    await embedder.close();
  }
}
