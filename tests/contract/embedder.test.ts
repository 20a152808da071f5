import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BundledEmbedder } from '../../src/embedding/bundled-embedder.ts';
import { checkedEmbedder } from '../../src/embedding/checked-embedder.ts';
import { FakeEmbedder } from '../../src/embedding/fake-embedder.ts';
import { OpenAiCompatibleEmbedder } from '../../src/embedding/openai-compatible-embedder.ts';
import { SharedEmbedder } from '../../src/embedding/shared/shared-embedder.ts';
import { type EmbeddingServer, startEmbeddingServer } from '../helpers/embedding-server.ts';
import { cosine, embedderContract } from './embedder.contract.ts';

const hosts: { readonly host: SharedEmbedder; readonly dataDir: string }[] = [];
let server: EmbeddingServer;
beforeAll(async () => {
  server = await startEmbeddingServer();
});
afterAll(async () => {
  await server.close();
  for (const { host, dataDir } of hosts) {
    await host.close();
    rmSync(dataDir, { recursive: true });
  }
});

embedderContract('fake', () => new FakeEmbedder());
embedderContract('shared with another process', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'faiss-memory-shared-'));
  const create = (): SharedEmbedder => new SharedEmbedder({ dataDir, createOwn: () => new FakeEmbedder() });
  const host = create();
  await host.warmUp();
  hosts.push({ host, dataDir });
  return create();
});
embedderContract('checked', () => checkedEmbedder(new FakeEmbedder()));
embedderContract(
  'OpenAI-compatible endpoint',
  () => new OpenAiCompatibleEmbedder({ baseUrl: server.url, model: 'test' }),
);
embedderContract('bundled model on WebAssembly', () => new BundledEmbedder({ runtime: 'wasm' }));
embedderContract('bundled model on onnxruntime-node', () => new BundledEmbedder({ runtime: 'native' }));

describe('bundled model', () => {
  test('gives no token vectors when they are switched off', async () => {
    const embedder = new BundledEmbedder({ tokenVectors: false });
    try {
      expect(embedder.tokenSpace).toBeUndefined();
      const [chunk] = await embedder.embedPassage('tea');
      expect(chunk?.tokens).toBeUndefined();
    } finally {
      await embedder.close();
    }
  });

  test('gives token vectors for all parts of a query that is too long for one run', async () => {
    const embedder = new BundledEmbedder();
    try {
      const { vector, tokens } = await embedder.embedQueryTokens('pump '.repeat(700));
      expect(tokens.pieces).toHaveLength(700);
      expect(Math.hypot(...vector)).toBeCloseTo(1, 4);
    } finally {
      await embedder.close();
    }
  });

  test('gives nearly the same vectors on both runtimes', async () => {
    const embedders = [
      new BundledEmbedder({ runtime: 'wasm' }),
      new BundledEmbedder({ runtime: 'native' }),
    ] as const;
    try {
      for (const text of [
        'tea',
        'The staging server runs on 10.0.0.5.',
        'Wer wartet die Pumpen in Sopot?',
        'def f(x): return x',
      ]) {
        const [wasm, native] = await Promise.all(embedders.map((embedder) => embedder.embedQuery(text)));
        expect(cosine(wasm ?? new Float32Array(), native)).toBeGreaterThan(0.998);
      }
    } finally {
      await Promise.all(embedders.map((embedder) => embedder.close()));
    }
  });
});
