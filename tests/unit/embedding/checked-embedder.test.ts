import { expect, test } from 'vitest';
import { checkedEmbedder } from '../../../src/embedding/checked-embedder.ts';
import type { EmbeddedChunk, EmbeddingModelId } from '../../../src/embedding/embedder.ts';
import { FakeEmbedder } from '../../../src/embedding/fake-embedder.ts';
import { EmbeddingRejectedError, EmbeddingUnavailableError } from '../../../src/errors/embedding-errors.ts';

const TEXT = 'hello world';
const MODEL: EmbeddingModelId = { modelId: 'own', dimension: 2, weightsHash: '' };
const unit = (): Float32Array => Float32Array.of(0.6, 0.8);

/** Answers whatever it is given, as a program without a compiler may. */
class Answering extends FakeEmbedder {
  answers: { modelId?: unknown; query?: unknown; passage?: unknown };

  constructor(answers: { modelId?: unknown; query?: unknown; passage?: unknown }) {
    super();
    this.answers = answers;
  }

  override modelId(): Promise<EmbeddingModelId> {
    return Promise.resolve((this.answers.modelId ?? MODEL) as EmbeddingModelId);
  }

  override embedQuery(): Promise<Float32Array> {
    return Promise.resolve(this.answers.query as Float32Array);
  }

  override embedPassage(): Promise<EmbeddedChunk[]> {
    return Promise.resolve(this.answers.passage as EmbeddedChunk[]);
  }
}

test.each([
  [undefined, 'gave no Float32Array'],
  [[0.6, 0.8], 'gave no Float32Array'],
  [Float64Array.of(0.6, 0.8), 'gave no Float32Array'],
  [Float32Array.of(1), 'gave 1 numbers for a query'],
  [Float32Array.of(3, 4), 'gave a vector of length 5'],
  [Float32Array.of(0, 0), 'gave a vector of length 0'],
  [Float32Array.of(NaN, 1), 'gave a vector of length NaN'],
  [Float32Array.of(Infinity, 1), 'gave a vector of length Infinity'],
])('refuses the vector %j', async (query, message) => {
  const asked = checkedEmbedder(new Answering({ query })).embedQuery(TEXT);
  await expect(asked).rejects.toThrow(`The embedder ${message}`);
  await expect(asked).rejects.toBeInstanceOf(EmbeddingRejectedError);
});

test.each([
  [undefined, 'gave no chunk'],
  [[], 'gave no chunk'],
  [[{ start: 1, end: TEXT.length, vector: unit() }], 'gave a chunk from 1 to 11 after 0 characters'],
  [[{ start: 0, end: 5, vector: unit() }], 'gave chunks for 5 of 11 characters'],
  [[{ start: 0, end: 12, vector: unit() }], 'gave chunks for 12 of 11 characters'],
  [[{ start: 0, end: 0, vector: unit() }], 'gave a chunk from 0 to 0'],
  [[{ start: 0, end: 5.5, vector: unit() }], 'gave a chunk from 0 to 5.5'],
  [[{ start: 0, end: TEXT.length, vector: Float32Array.of(1) }], 'gave 1 numbers for chunk 1'],
])('refuses the chunks %j', async (passage, message) => {
  const asked = checkedEmbedder(new Answering({ passage })).embedPassage(TEXT);
  await expect(asked).rejects.toThrow(`The embedder ${message}`);
});

test.each([
  [{ ...MODEL, modelId: '' }, 'has the model name ""'],
  [{ ...MODEL, dimension: 0 }, 'has the dimension 0'],
  [{ ...MODEL, dimension: 1.5 }, 'has the dimension 1.5'],
  [{ ...MODEL, weightsHash: undefined }, 'has no `weightsHash`'],
])('refuses the model %j', async (modelId, message) => {
  await expect(checkedEmbedder(new Answering({ modelId })).modelId()).rejects.toThrow(message);
});

test('lets overlapping chunks and vectors of 16 bits pass', async () => {
  const passage = [
    { start: 0, end: 7, vector: Float32Array.of(0.6001, 0.8003) },
    { start: 5, end: TEXT.length, vector: unit() },
  ];
  await expect(checkedEmbedder(new Answering({ passage })).embedPassage(TEXT)).resolves.toEqual(passage);
});

test('refuses a model that becomes another one', async () => {
  const answering = new Answering({});
  const embedder = checkedEmbedder(answering);
  await embedder.modelId();
  answering.answers = { modelId: { ...MODEL, dimension: 3 } };
  await expect(embedder.modelId()).rejects.toThrow(
    'changed its model from own with 2 dimensions to own with 3',
  );
});

test('makes an EmbeddingUnavailableError of anything that is thrown, and keeps the cause', async () => {
  const fake = new FakeEmbedder();
  const embedder = checkedEmbedder(fake);
  const cause = new TypeError('socket hang up');
  fake.failure = cause;
  await expect(embedder.embedQuery(TEXT)).rejects.toMatchObject({ code: 'EMBEDDING_UNAVAILABLE', cause });
  const own = new EmbeddingRejectedError('too long');
  fake.failure = own;
  await expect(embedder.embedPassage(TEXT)).rejects.toBe(own);
});

test('ends a call that never ends, by its signal and by closing', async () => {
  const silent = new FakeEmbedder();
  silent.embedPassage = () => new Promise(() => undefined);
  silent.close = () => {
    throw new Error('cannot close');
  };
  const embedder = checkedEmbedder(silent);
  const stopping = new AbortController();
  const stopped = embedder.embedPassage(TEXT, stopping.signal);
  const left = embedder.embedPassage(TEXT);
  stopping.abort(new Error('enough'));
  await expect(stopped).rejects.toThrow('enough');
  const closed = embedder.close();
  await expect(left).rejects.toBeInstanceOf(EmbeddingUnavailableError);
  await closed;
  await expect(embedder.embedQuery(TEXT)).rejects.toThrow('The embedder is closed');
});
