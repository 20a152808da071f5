import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  bundledModel,
  fetchModel,
  findModel,
  hubOf,
  type ListedModel,
  listModels,
  MODEL_SETTINGS,
  modelsFolder,
  type ModelTarget,
  tryEndpoint,
  type TriedModel,
  tryFolder,
  wholeModel,
} from '../../app/models.ts';
import type { ResolvedConfig } from '../../config/resolve.ts';
import { UsageError } from '../../errors/input-errors.ts';
import { createFolders, writeDurably } from '../../util/durable-file.ts';
import { editGroup } from '../clients/json-editor.ts';
import { type CommandContext, confirmed, defineCommand, oneOf, toggle, value } from '../command.ts';
import { byteSize, table } from '../render.ts';
import { reasonOf } from '../../util/caught.ts';

export const modelCommand = defineCommand({
  name: 'model',
  isOfServer: true,
  summary: 'show which model gives the vectors, and which others there are',
  details:
    'The model that comes with the program reads English. "model use" takes another one, for example for other languages.',
  arguments: [],
  options: {},
  examples: [
    ['faiss-memory model', 'the model in use, and those that can be had by name'],
    ['faiss-memory model use multilingual-e5-small', 'a model that reads about 100 languages'],
  ],
  run: async (context) => {
    const { settings, configFile } = context.config();
    const models = await listModels(context.host, settings);
    const folder = modelsFolder(context.host);
    const off = settings.embedding.provider === 'none' ? ['Embeddings are switched off.'] : [];
    const lines = [
      table([['MODEL', 'STATE', 'READS', 'SIZE', 'DIMENSION', 'LICENCE', 'FOLDER'], ...models.map(rowOf)]),
      '',
      ...off,
      'Another one: faiss-memory model use <name, folder or address>',
    ];
    return {
      data: {
        models: models.map(({ bytes, folder: directory, ...model }) => ({
          ...model,
          bytes: bytes ?? null,
          dimension: model.dimension ?? null,
          folder: directory ?? null,
        })),
        models_folder: folder,
        config_file: configFile ?? null,
      },
      text: lines.join('\n'),
    };
  },
});

function rowOf({ name, state, reads, bytes, dimension, licence, folder }: ListedModel): string[] {
  const size = bytes === undefined ? '–' : byteSize(bytes);
  const shownFolder = folder ?? (name === 'bundled' ? 'in the program' : '–');
  return [name, state, or(reads), size, or(String(dimension ?? '')), or(licence), shownFolder];
}

function or(text: string): string {
  return text === '' ? '–' : text;
}

export const modelUseCommand = defineCommand({
  name: 'model use',
  isOfServer: true,
  summary: 'take another model: of the list, of a folder, or of an endpoint',
  details:
    'Tries the model, and writes it into config.json. A model of the list that is not here yet is fetched, after a question. ' +
    'A folder needs the weights in the ONNX format and tokenizer.json, as models on huggingface.co have them. ' +
    'An address is that of an OpenAI-compatible endpoint; its key is the setting MEMORY_EMBEDDING_API_KEY. ' +
    'Afterwards every memory gets a vector of the new model, in the background.',
  arguments: [{ name: '<model>', doc: 'a name of the list, the path of a folder, an address, or "bundled"' }],
  options: {
    model: value('--model <name>', 'the model at the endpoint, or another name for that of a folder'),
    queryPrefix: value('--query-prefix <text>', 'put before every query, when the model wants that'),
    passagePrefix: value('--passage-prefix <text>', 'put before every memory, when the model wants that'),
    pooling: oneOf(
      '--pooling <way>',
      ['mean', 'first'],
      'a vector is the mean of all tokens, or that of the first',
    ),
    yes: toggle('-y, --yes', 'do not ask before a download'),
  },
  examples: [
    ['faiss-memory model use multilingual-e5-small', 'search by meaning in about 100 languages'],
    ['faiss-memory model use ~/models/my-e5 --query-prefix "query: "', 'a model of your own'],
    ['faiss-memory model use http://127.0.0.1:11434/v1 --model bge-m3', 'a model that Ollama runs'],
    ['faiss-memory model use bundled', 'back to the model of the program'],
  ],
  run: async (context, { args: [word = ''], options }) => {
    const config = context.config();
    const target = findModel(word, context.host);
    const tried = await tryOut(context, target, options);
    if (tried === undefined) return { data: { used: null, changed: false }, text: 'Nothing was changed.' };
    const changed = await chooseIn(config, tried.settings);
    const winning = winningVariables(config);
    return {
      data: {
        used: { name: tried.name, model_id: tried.modelId, dimension: tried.dimension, reads: tried.reads },
        changed,
        config_file: config.configFile ?? null,
        overridden_by: winning,
      },
      text: describeUse(tried, { changed, file: config.configFile ?? '', winning }),
    };
  },
});

interface Choices {
  readonly model: string | undefined;
  readonly queryPrefix: string | undefined;
  readonly passagePrefix: string | undefined;
  readonly pooling: 'mean' | 'first' | undefined;
  readonly yes: boolean;
}

/** @returns undefined when the user does not want the download */
async function tryOut(
  context: CommandContext,
  target: ModelTarget,
  { model: name, queryPrefix, passagePrefix, pooling, yes }: Choices,
): Promise<TriedModel | undefined> {
  const { settings } = context.config();
  const chosen = [name, queryPrefix, passagePrefix, pooling].some((choice) => choice !== undefined);
  if (chosen && (target.kind === 'bundled' || target.kind === 'known')) {
    throw new UsageError(
      'the prefixes, the pooling and the name of this model are known',
      'Leave these options out.',
    );
  }
  switch (target.kind) {
    case 'bundled':
      return bundledModel();
    case 'folder':
      return tryFolder(target.directory, { name, queryPrefix, passagePrefix, pooling }, settings);
    case 'endpoint':
      if (pooling !== undefined) throw new UsageError('an endpoint pools by itself', 'Leave --pooling out.');
      return tryEndpoint(target.baseUrl, { model: name, queryPrefix, passagePrefix }, settings);
    case 'known':
      return (await wholeModel(target.model, context.host, settings)) ?? fetched(context, target, yes);
  }
}

async function fetched(
  context: CommandContext,
  { model }: Extract<ModelTarget, { kind: 'known' }>,
  yes: boolean,
): Promise<TriedModel | undefined> {
  const { host, output, signal } = context;
  const hub = hubOf(host);
  const size = byteSize(model.weights.bytes + model.tokenizer.bytes);
  const question = `Fetch ${model.name} (${size}, licence ${model.licence}, ${model.reads}) from ${hub}/${model.repository} into ${modelsFolder(host)}?`;
  if (!(await confirmed(context, question, yes))) return undefined;
  const progress = output.progress(`Fetching ${model.name} (MB)`);
  try {
    const directory = await fetchModel(model, host, {
      signal,
      onProgress: ({ done, total }) => {
        progress.update({ done: Math.floor(done / 1e6), total: Math.ceil(total / 1e6) });
      },
    });
    return await tryFolder(directory, {}, context.config().settings);
  } finally {
    progress.finish();
  }
}

/** Writes the choice into the configuration file. @returns whether that changed it */
async function chooseIn({ configFile }: ResolvedConfig, settings: TriedModel['settings']): Promise<boolean> {
  if (configFile === undefined)
    throw new UsageError(
      'there is no configuration file to write to',
      'Name one with --config, or set HOME.',
    );
  try {
    // The file itself, where it is kept elsewhere and linked to.
    const path = existsSync(configFile) ? realpathSync(configFile) : configFile;
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const edited = editGroup(text, 'embedding', settings);
    if (edited === text) return false;
    createFolders(dirname(path));
    const mode = text === '' ? 0o600 : statSync(path).mode & 0o777;
    await writeDurably({ path, data: edited, mode });
    return true;
  } catch (cause) {
    const reason = reasonOf(cause);
    throw new UsageError(
      `the configuration file ${configFile} cannot be changed: ${reason}`,
      `Repair it, or write the setting yourself: "embedding": ${JSON.stringify(settings)}`,
    );
  }
}

/** Variables of the environment that win over the configuration file for the choice of the model. */
function winningVariables({ sources }: ResolvedConfig): string[] {
  return MODEL_SETTINGS.flatMap((name) => {
    const source = sources[`embedding.${name}`];
    return source?.kind === 'environment' ? [source.variable] : [];
  });
}

function describeUse(
  { name, dimension, reads }: TriedModel,
  { changed, file, winning }: { changed: boolean; file: string; winning: readonly string[] },
): string {
  const languages = reads === '' ? '' : `, reads ${reads}`;
  const model = `${name} (dimension ${dimension}${languages})`;
  const override =
    winning.length === 0
      ? []
      : [`But the environment sets ${winning.join(' and ')}, which wins over the file: unset it there too.`];
  if (!changed) return [`${model} works, and is the model of ${file} already.`, ...override].join('\n');
  return [
    `${model} works, and is the model of ${file} from now on.`,
    ...override,
    'Restart your MCP clients. A running server then gives every memory a vector of this model in the background; a memory',
    'without one is found by its words meanwhile. "faiss-memory reembed" does it at once.',
    'Vectors of the model before are kept, so going back is quick; "faiss-memory reembed --drop-others" removes them.',
  ].join('\n');
}
