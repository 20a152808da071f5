import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { tryFolder, type TriedModel } from '../../src/app/models.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { BundledEmbedder } from '../../src/embedding/bundled-embedder.ts';
import { createEmbedder } from '../../src/embedding/create-embedder.ts';
import { CARD_NAME, type ModelChoices, readModelCard } from '../../src/embedding/model-card.ts';
import { ModelDamagedError } from '../../src/errors/embedding-errors.ts';
import { cosine, embedderContract } from '../contract/embedder.contract.ts';
import { temporaryFolder } from '../helpers/sqlite-store.ts';
import { TINY_DIMENSION, type TinyModel, writeTinyModel } from '../helpers/tiny-model.ts';

const { settings } = resolveConfig({
  env: {},
  platform: process.platform,
  homeDirectory: '/nonexistent',
  workingDirectory: '/',
  flags: { values: { 'embedding.runtime': 'wasm' } },
});

function tinyModel(model?: TinyModel): string {
  const folder = join(temporaryFolder(), 'tiny');
  writeTinyModel(folder, model);
  return folder;
}

function use(folder: string, choices: ModelChoices = {}): Promise<TriedModel> {
  return tryFolder(folder, choices, settings);
}

function open(modelDirectory: string): BundledEmbedder {
  const embedder = new BundledEmbedder({ runtime: 'wasm', modelDirectory, local: true });
  onTestFinished(() => embedder.close());
  return embedder;
}

embedderContract('a model in a folder', async () => {
  // Links instead of copies of 34 MB; the contract's own folder is gone with the process of the test.
  const folder = join(process.cwd(), 'node_modules', '.cache', `local-model-${process.pid}`);
  rmSync(folder, { recursive: true, force: true });
  cpSync('models/e5-small-v2-int8', folder, { recursive: true });
  await use(folder, { name: 'same-e5', queryPrefix: 'query: ', passagePrefix: 'passage: ' });
  process.once('exit', () => {
    rmSync(folder, { recursive: true, force: true });
  });
  return new BundledEmbedder({ runtime: 'wasm', modelDirectory: folder, local: true });
});

test('one model in a folder serves all processes of a data folder', async () => {
  const [modelDirectory, sharedIn] = [tinyModel(), temporaryFolder()];
  await use(modelDirectory);
  const [first, second] = [1, 2].map(() => {
    const embedder = createEmbedder({ provider: 'local', runtime: 'wasm', modelDirectory, sharedIn });
    onTestFinished(() => embedder.close());
    return embedder;
  });
  const vector = await first?.embedQuery('die Rechnungen');
  expect(await second?.embedQuery('die Rechnungen')).toEqual(vector);
  expect(second?.describe()).toMatchObject({ provider: 'local', servedBy: `process ${process.pid}` });
  expect(first?.describe()).toMatchObject({ provider: 'local', otherProcesses: 1 });
});

test('a model in a folder gives no token vectors, even with the projection of the bundled one beside it', async () => {
  const folder = tinyModel();
  cpSync('models/e5-small-v2-int8/token-projection.bin', join(folder, 'token-projection.bin'));
  await use(folder);
  const embedder = open(folder);
  expect(embedder.tokenSpace).toBeUndefined();
  const [chunk] = await embedder.embedPassage('Rechnungen: die');
  expect(chunk?.vector).toHaveLength(TINY_DIMENSION);
  expect(chunk?.tokens).toBeUndefined();
});

describe('a folder with a model of the kind of XLM-RoBERTa', () => {
  test('is used as it is, in any script', async () => {
    const folder = tinyModel();
    const tried = await use(folder);
    expect(tried).toMatchObject({ name: 'tiny', modelId: 'local:tiny', dimension: TINY_DIMENSION });
    expect(tried.settings).toMatchObject({ provider: 'local', modelDirectory: folder });
    const embedder = open(folder);
    const query = await embedder.embedQuery('die Rechnungen');
    const [near] = await embedder.embedPassage('Rechnungen: die');
    const [far] = await embedder.embedPassage('чай и чай');
    expect(cosine(query, near?.vector)).toBeGreaterThan(cosine(query, far?.vector));
    const [japanese] = await embedder.embedPassage('会議 月曜');
    expect(Math.hypot(...(japanese?.vector ?? []))).toBeCloseTo(1, 5);
  });

  test.each([
    ['three inputs', { inputs: ['input_ids', 'attention_mask', 'token_type_ids'] }],
    ['the output of another tool', { output: 'token_embeddings' }],
    ['weights at the top', { weights: 'model.onnx' }],
  ] as const)('may have %s', async (_, model) => {
    expect((await use(tinyModel(model))).dimension).toBe(TINY_DIMENSION);
  });

  test('gets runs and chunks of its own length', async () => {
    const folder = tinyModel();
    writeFileSync(join(folder, 'sentence_bert_config.json'), '{"max_seq_length": 40}');
    await use(folder);
    expect((await readModelCard(folder)).maxTokens).toBe(40);
    const embedder = open(folder);
    const chunks = await embedder.embedPassage('ab cd ef. '.repeat(60));
    expect(chunks.length).toBeGreaterThan(10);
    expect(Math.hypot(...(await embedder.embedQuery('ab cd '.repeat(100))))).toBeCloseTo(1, 5);
  });

  test('gets the prefixes of e5 by its name, and others by choice; they make other vectors', async () => {
    const folder = tinyModel();
    await use(folder, { name: 'my-e5' });
    expect(await readModelCard(folder)).toMatchObject({ queryPrefix: 'query: ', passagePrefix: 'passage: ' });
    const before = await open(folder).modelId();
    await use(folder, { queryPrefix: 'search: ' });
    expect(await readModelCard(folder)).toMatchObject({
      queryPrefix: 'search: ',
      passagePrefix: 'passage: ',
    });
    const after = await open(folder).modelId();
    expect(after.modelId).toBe(before.modelId);
    expect(after.weightsHash).not.toBe(before.weightsHash);
  });

  test('may take the first token, as its folder or the user says', async () => {
    const folder = tinyModel();
    mkdirSync(join(folder, '1_Pooling'));
    writeFileSync(join(folder, '1_Pooling', 'config.json'), '{"pooling_mode_cls_token": true}');
    // In a model that only looks up tokens, the first one is the same for every text.
    await expect(use(folder)).rejects.toThrow('the same vector');
    await use(folder, { pooling: 'mean' });
    expect((await readModelCard(folder)).pooling).toBe('mean');
  });
});

describe('a folder that cannot be used', () => {
  test.each([
    [
      'no weights',
      (folder: string) => {
        rmSync(join(folder, 'onnx'), { recursive: true });
      },
      'has none of model.onnx',
    ],
    [
      'no tokenizer',
      (folder: string) => {
        rmSync(join(folder, 'tokenizer.json'));
      },
      'has no tokenizer.json',
    ],
    [
      'a page instead of the weights',
      (folder: string) => {
        writeFileSync(join(folder, 'onnx/model_quantized.onnx'), '<!DOCTYPE html><p>Log in');
      },
      'is a web page',
    ],
    [
      'a pointer of Git LFS',
      (folder: string) => {
        writeFileSync(
          join(folder, 'onnx/model_quantized.onnx'),
          'version https://git-lfs.github.com/spec/v1\n',
        );
      },
      'git lfs pull',
    ],
    [
      'weights that are cut off',
      (folder: string) => {
        const file = join(folder, 'onnx/model_quantized.onnx');
        writeFileSync(file, readFileSync(file).subarray(0, 900));
      },
      'cannot be started',
    ],
    [
      'a tokenizer of no known kind',
      (folder: string) => {
        writeFileSync(join(folder, 'tokenizer.json'), '{"model": {"type": "Magic"}}');
      },
      'tokenizer',
    ],
  ])('with %s is refused, and nothing is written', async (_, spoil, message) => {
    const folder = tinyModel();
    spoil(folder);
    await expect(use(folder)).rejects.toThrow(message);
    expect(existsSync(join(folder, CARD_NAME))).toBe(false);
  });

  test.each([
    ['another output', { output: 'logits' }, 'gives no vectors of tokens'],
    ['one vector for all', { same: true }, 'the same vector'],
  ])('with a model that has %s is refused', async (_, model, message) => {
    await expect(use(tinyModel(model))).rejects.toThrow(message);
  });
});

describe('a model that was taken', () => {
  test('is not used when a file is damaged later, and the error names file and remedy', async () => {
    const folder = tinyModel();
    await use(folder);
    const file = join(folder, 'tokenizer.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('▁die', '▁dye'));
    const failure: unknown = await open(folder)
      .embedQuery('tea')
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ModelDamagedError);
    expect(String(failure)).toContain(file);
    expect(failure).toMatchObject({ fix: expect.stringContaining('model use') as string });
    // Looking again does not trust what changed.
    await expect(use(folder)).rejects.toThrow('is damaged');
  });

  test.each(['', '{"version": 9}', '{"version": 1, "weights": {"path": "../../etc/passwd"}}'])(
    'with the description %j is not used',
    async (text) => {
      const folder = tinyModel();
      writeFileSync(join(folder, CARD_NAME), text);
      await expect(open(folder).modelId()).rejects.toThrow(ModelDamagedError);
    },
  );

  test('keeps its facts in an embedder while its folder gets others', async () => {
    const folder = tinyModel();
    await use(folder);
    const embedder = open(folder);
    const before = await embedder.modelId();
    await use(folder, { queryPrefix: 'ask: ' });
    expect(await embedder.modelId()).toEqual(before);
    await embedder.embedQuery('tea');
    expect(await embedder.modelId()).toEqual(before);
  });
});
