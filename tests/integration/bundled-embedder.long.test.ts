import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { EmbeddingUnavailableError, ModelDamagedError } from '../../src/errors/embedding-errors.ts';
import { BundledEmbedder, type BundledEmbedderSettings } from '../../src/embedding/bundled-embedder.ts';
import { packagePath } from '../../src/util/package.ts';

const MODEL_FILES = ['model.onnx', 'tokenizer.json', 'token-projection.bin'];

function open(settings: BundledEmbedderSettings = {}): BundledEmbedder {
  const embedder = new BundledEmbedder({ runtime: 'wasm', ...settings });
  onTestFinished(() => embedder.close());
  return embedder;
}

/** A copy of the model's folder with one byte of one file changed. */
function damagedModel(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'faiss-memory-model-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  for (const file of MODEL_FILES)
    copyFileSync(packagePath('models', 'e5-small-v2-int8', file), join(folder, file));
  const bytes = readFileSync(join(folder, name));
  bytes[1_000] = (bytes[1_000] ?? 0) ^ 1;
  writeFileSync(join(folder, name), bytes);
  return folder;
}

describe('BundledEmbedder', () => {
  test('touches nothing before its first use', () => {
    const embedder = open({ modelDirectory: '/nonexistent' });
    expect(embedder.ready).toBe(false);
    expect(embedder.describe()).toMatchObject({ runtime: 'not loaded' });
  });

  test.each(MODEL_FILES)('names a damaged %s and how to mend it', async (name) => {
    const failure: unknown = await open({ modelDirectory: damagedModel(name) })
      .embedQuery('tea')
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ModelDamagedError);
    expect(String(failure)).toContain(name);
    expect(failure).toMatchObject({ fix: expect.stringContaining('Install the package again') as string });
  });

  test('names a missing model', async () => {
    // All files are read at once.
    await expect(open({ modelDirectory: '/nonexistent' }).embedQuery('tea')).rejects.toThrow(
      /\/nonexistent\/(model\.onnx|tokenizer\.json|token-projection\.bin) cannot be read/,
    );
  });

  test('answers queries before passages that wait', async () => {
    const embedder = open();
    await embedder.warmUp();
    const order: string[] = [];
    const passage = (name: string): Promise<unknown> =>
      embedder.embedPassage(`${name} `.repeat(60)).then(() => order.push(name));
    await Promise.all([
      passage('first'),
      passage('second'),
      passage('third'),
      embedder.embedQuery('q').then(() => order.push('query')),
    ]);
    expect(order.indexOf('query')).toBeLessThan(2);
  });

  test('answers a query in the middle of a long passage', async () => {
    const embedder = open();
    await embedder.warmUp();
    const order: string[] = [];
    const text = Array.from({ length: 60 }, (_, index) => `Sentence ${index} tells something new.`).join(' ');
    const passage = embedder.embedPassage(text).then((chunks) => {
      order.push('passage');
      return chunks;
    });
    await embedder.embedQuery('q').then(() => order.push('query'));
    expect((await passage).length).toBeGreaterThan(1);
    expect(order).toEqual(['query', 'passage']);
  });

  test('stops embedding a long passage when it is aborted', async () => {
    const embedder = open();
    await embedder.warmUp();
    const abort = new AbortController();
    const passage = embedder.embedPassage('A sentence. '.repeat(2_000), abort.signal);
    await embedder.embedQuery('q');
    abort.abort(new Error('enough'));
    await expect(passage).rejects.toThrow('enough');
  });

  test('reads a query to its end, however long', async () => {
    const embedder = open();
    const beginning = 'Notes about the garden and the weather. '.repeat(80);
    const [first, second] = [
      await embedder.embedQuery(`${beginning}Which database holds the invoices?`),
      await embedder.embedQuery(`${beginning}Who repairs the espresso machine?`),
    ];
    expect(first).not.toEqual(second);
    expect(Math.hypot(...first)).toBeCloseTo(1, 4);
  });

  test('rejects what runs when its worker dies, and starts another for the next call', async () => {
    const embedder = open();
    const post = vi.spyOn(Worker.prototype, 'postMessage');
    onTestFinished(() => {
      post.mockRestore();
    });
    const running = embedder.embedQuery('tea');
    // The first message tells the worker to begin.
    await vi.waitUntil(() => post.mock.contexts.length > 0, { timeout: 10_000 });
    const worker = post.mock.contexts.at(-1);
    if (!(worker instanceof Worker)) throw new Error('no worker was asked');
    const rejected = expect(running).rejects.toBeInstanceOf(EmbeddingUnavailableError);
    await worker.terminate();
    await rejected;
    expect(await embedder.embedQuery('tea')).toHaveLength(384);
  });

  test('gives the same vectors with one thread and with two', async () => {
    const one = await open({ threads: 1 }).embedQuery('Which database holds the invoices?');
    const two = await open({ threads: 2 }).embedQuery('Which database holds the invoices?');
    expect(one.reduce((sum, value, i) => sum + value * (two[i] ?? NaN), 0)).toBeGreaterThan(0.9999);
  });

  test('leaves memory when it is not used, and comes back', async () => {
    const embedder = open({ idleUnloadMs: 50 });
    await embedder.embedQuery('tea');
    await vi.waitUntil(() => !embedder.ready, { timeout: 60_000 });
    expect(await embedder.embedQuery('tea')).toHaveLength(384);
  });

  test('rejects what waits when it is closed, and everything after', async () => {
    const embedder = open();
    const pending = expect(embedder.embedQuery('tea')).rejects.toThrow('closed');
    await embedder.close();
    await pending;
    await expect(embedder.embedQuery('tea')).rejects.toThrow('closed');
  });

  test('forgets a text that nobody waits for any more', async () => {
    const embedder = open();
    await embedder.warmUp();
    const abort = new AbortController();
    const running = embedder.embedPassage('long '.repeat(400));
    const waiting = embedder.embedPassage('short', abort.signal);
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    expect((await running).length).toBeGreaterThan(1);
  });
});
