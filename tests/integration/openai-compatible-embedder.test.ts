import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EmbeddingRejectedError, EmbeddingUnavailableError } from '../../src/errors/embedding-errors.ts';
import {
  OpenAiCompatibleEmbedder,
  type OpenAiCompatibleSettings,
} from '../../src/embedding/openai-compatible-embedder.ts';
import { type EmbeddingServer, startEmbeddingServer } from '../helpers/embedding-server.ts';

let server: EmbeddingServer;
beforeAll(async () => {
  server = await startEmbeddingServer();
});
afterAll(async () => {
  await server.close();
});
beforeEach(() => {
  server.script.length = 0;
  server.requests.length = 0;
});

function open(settings: Partial<OpenAiCompatibleSettings> = {}): OpenAiCompatibleEmbedder {
  return new OpenAiCompatibleEmbedder({
    baseUrl: server.url,
    model: 'test',
    dimension: 64,
    retryDelayMs: 1,
    ...settings,
  });
}

const status =
  (code: number, headers: Record<string, string> = {}) =>
  (response: {
    writeHead: (code: number, headers: Record<string, string>) => { end: (body: string) => void };
  }) => {
    response.writeHead(code, headers).end('{"error":{"message":"no"}}');
  };
const body = (text: string) => (response: { end: (text: string) => void }) => {
  response.end(text);
};

describe('OpenAiCompatibleEmbedder', () => {
  test('sends model, texts, prefixes and key, and orders the answers by their index', async () => {
    const embedder = open({ apiKey: 'k-123', queryPrefix: 'Q: ' });
    await embedder.embedQuery('tea');
    expect(server.requests).toEqual([
      {
        authorization: 'Bearer k-123',
        body: { model: 'test', input: ['Q: tea'], encoding_format: 'float', dimensions: 64 },
      },
    ]);
  });

  test('learns the dimension from the endpoint', async () => {
    expect(await open({ dimension: undefined }).modelId()).toEqual({
      modelId: 'openai:test',
      dimension: 64,
      weightsHash: '',
    });
  });

  test('tries again after 429 and 5xx', async () => {
    server.script.push(status(429, { 'retry-after': '0' }), status(503), status(500));
    expect(await open().embedQuery('tea')).toHaveLength(64);
    expect(server.requests).toHaveLength(4);
  });

  test('gives up in the end', async () => {
    server.script.push(...Array.from({ length: 9 }, () => status(503)));
    await expect(open().embedQuery('tea')).rejects.toThrow('answered 503');
    expect(server.requests).toHaveLength(4);
  });

  test.each([401, 403])('does not repeat a refused key (%i), and never shows it', async (code) => {
    server.script.push(status(code));
    const embedder = open({ apiKey: 'k-secret' });
    const failure: unknown = await embedder.embedQuery('tea').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EmbeddingUnavailableError);
    expect(failure).toMatchObject({ retryable: false, fix: 'Check MEMORY_EMBEDDING_API_KEY.' });
    expect(server.requests).toHaveLength(1);
    expect(inspect(failure) + JSON.stringify(embedder.describe())).not.toContain('k-secret');
  });

  test('names an unknown model', async () => {
    server.script.push(status(404));
    await expect(open().embedQuery('tea')).rejects.toBeInstanceOf(EmbeddingRejectedError);
  });

  test.each([
    ['another dimension', '{"data":[{"index":0,"embedding":[1,2,3]}]}', /answered 3 dimensions, not 64/],
    ['no JSON', '<html>', /unusable answer/],
    ['no embeddings', '{"data":[]}', /does not have 1 embeddings/],
    ['texts as numbers', '{"data":[{"index":0,"embedding":["1"]}]}', /unusable answer/],
    [
      'a zero vector',
      JSON.stringify({ data: [{ index: 0, embedding: Array.from({ length: 64 }, () => 0) }] }),
      /is zero/,
    ],
  ])('refuses %s', async (_, text, message) => {
    server.script.push(body(text));
    const failure: unknown = await open()
      .embedQuery('tea')
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EmbeddingRejectedError);
    expect(String(failure)).toMatch(message);
  });

  test('reads no answer without end', async () => {
    let sentMiB = 0;
    server.script.push((response) => {
      const more = (): void => {
        do sentMiB += 1;
        while (response.write(' '.repeat(1_048_576)));
      };
      response.on('drain', more);
      more();
    });
    await expect(open().embedQuery('tea')).rejects.toThrow('it is longer than 64 MiB');
    expect(sentMiB).toBeLessThan(100);
  });

  test('tells why it still tries, until it succeeds', async () => {
    const embedder = open({ retryDelayMs: 60_000, timeoutMs: 600_000 });
    server.script.push(status(503));
    const stop = new AbortController();
    const failing = embedder.embedQuery('tea', stop.signal);
    await expect.poll(() => embedder.lastFailure).toContain('answered 503');
    stop.abort();
    await expect(failing).rejects.toThrow();
    await embedder.embedQuery('tea');
    expect(embedder.lastFailure).toBeUndefined();
  });

  test('ends a request that takes too long', async () => {
    server.script.push(() => undefined);
    await expect(open({ timeoutMs: 100 }).embedQuery('tea')).rejects.toThrow('did not answer within 100 ms');
  });

  test('names an endpoint that is not there', async () => {
    const dead = await startEmbeddingServer();
    await dead.close();
    await expect(open({ baseUrl: dead.url }).embedQuery('tea')).rejects.toThrow('cannot be reached');
  });

  test('stops when it is told to', async () => {
    server.script.push(() => undefined);
    const abort = new AbortController();
    const pending = open().embedQuery('tea', abort.signal);
    abort.abort(new Error('enough'));
    await expect(pending).rejects.toThrow('enough');
  });

  test('tries only once for a while after a call that failed in the end', async () => {
    const embedder = open();
    server.script.push(...Array.from({ length: 5 }, () => status(503)));
    await expect(embedder.embedQuery('tea')).rejects.toThrow(EmbeddingUnavailableError);
    const triedAtFirst = server.requests.length;
    await expect(embedder.embedQuery('tea')).rejects.toThrow(EmbeddingUnavailableError);
    expect([triedAtFirst, server.requests.length]).toEqual([4, 5]);
    await expect(embedder.embedQuery('tea')).resolves.toHaveLength(64);
  });
});
