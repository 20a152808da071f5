import { mkdtempSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddingServer, startEmbeddingServer } from '../helpers/embedding-server.ts';
import { httpClient } from '../helpers/http-client.ts';
import { launchServer, type RunningHttpServer } from '../helpers/http-server.ts';
import { answerCheck } from '../helpers/openapi/answer-check.ts';
import { type Operation, operationsOf } from '../helpers/openapi/operations.ts';
import { hostileRequests, validRequests } from '../helpers/openapi/requests.ts';
import type { KnownValues } from '../helpers/openapi/values.ts';
import { type RawRequest, sendRaw } from '../helpers/raw-request.ts';

/** Reproduces a failure; another run may choose another. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_124);
/** Requests an operation, of each of both kinds. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 150);
/** Operations that write files. */
const SLOW = new Set(['makeBackup', 'restoreBackup', 'syncUpload', 'syncDownload', 'syncRestore']);

const bucket = mkdtempSync(join(tmpdir(), 'faiss-memory-nas-'));
let server: RunningHttpServer;
let embedding: EmbeddingServer;
let operations: ReadonlyMap<string, Operation>;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

beforeAll(async () => {
  embedding = await startEmbeddingServer();
  server = await launchServer({
    env: { MEMORY_HTTP_RATE_LIMIT: '0', MEMORY_LOG_LEVEL: 'warn', ...withModel(embedding), ...remote() },
  });
  const { data } = await httpClient(server.address).get('/openapi.json');
  const validator = new Validator();
  expect(await validator.validate(structuredClone(data))).toEqual({ valid: true });
  const resolved = validator.resolveRefs();
  operations = new Map(operationsOf(resolved).map((operation) => [operation.id, operation]));
});

afterAll(async () => {
  agent.destroy();
  await server.stop();
  await embedding.close();
  rmSync(bucket, { recursive: true, force: true });
});

function withModel({ url }: EmbeddingServer): Record<string, string> {
  return {
    MEMORY_EMBEDDING_PROVIDER: 'openai',
    MEMORY_EMBEDDING_BASE_URL: url,
    MEMORY_EMBEDDING_MODEL: 'fake',
  };
}

function remote(): Record<string, string> {
  return { CLOUD_SYNC_ENABLED: 'on', CLOUD_SYNC_PROVIDER: 'folder', CLOUD_SYNC_BUCKET: bucket };
}

function find(id: string): Operation {
  const operation = operations.get(id);
  if (operation === undefined)
    throw new Error(`${id} is no operation; there are ${[...operations.keys()].join(', ')}`);
  return operation;
}

/** Every operation; a new one fails the first test until it stands here. */
const ALL = [
  'addMemories',
  'addMemory',
  'deduplicate',
  'deleteBySource',
  'deleteMemory',
  'exportMemories',
  'getMemory',
  'growth',
  'health',
  'importMemories',
  'isNovel',
  'listBackups',
  'listMemories',
  'live',
  'makeBackup',
  'map',
  'metrics',
  'purgeMemory',
  'ready',
  'restoreBackup',
  'restoreMemory',
  'search',
  'stats',
  'syncDownload',
  'syncRestore',
  'syncSnapshots',
  'syncStatus',
  'syncUpload',
  'updateMemory',
];

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1 and names every operation once', async () => {
    const { data } = await httpClient(server.address).get('/openapi.json');
    expect(data['openapi']).toBe('3.1.0');
    expect([...operations.keys()].sort()).toEqual(ALL);
  });

  it.each(ALL)(
    'describes every answer of %s, whatever is asked',
    async (id) => {
      const operation = find(id);
      const check = answerCheck(operation);
      const known = await knownValues();
      let accepted = 0;
      const property = (requests: fc.Arbitrary<RawRequest>): fc.IAsyncProperty<[RawRequest]> =>
        fc.asyncProperty(requests, async (request) => {
          const answer = await sendRaw(server.address, request, { agent });
          expect(answer.status, answer.text.slice(0, 500)).toBeLessThan(500);
          expect(check(answer)).toBeUndefined();
          if (answer.status < 300) accepted += 1;
        });
      const options = { seed: SEED, numRuns: SLOW.has(id) ? Math.ceil(RUNS / 4) : RUNS, endOnFailure: true };
      await fc.assert(property(validRequests(operation, known)), options);
      expect(accepted, 'requests that were accepted').toBeGreaterThan(0);
      await fc.assert(property(hostileRequests(operation, known)), options);
    },
    180_000,
  );

  it('was about a server that is still healthy, and has nothing to say', async () => {
    expect((await httpClient(server.address).get('/health')).data).toEqual({
      status: 'ok',
      live: true,
      ready: true,
    });
    expect(server.stderr()).not.toMatch(/ERROR/);
    expect(server.stdout()).toBe('');
  });
});

/** What requests need to get further than "not found". */
async function knownValues(): Promise<KnownValues> {
  const api = httpClient(server.address);
  const ids = await Promise.all(
    Array.from({ length: 5 }, async (_, index) => {
      const added = await api.post('/memory/add', {
        text: `known memory ${index}`,
        on_duplicate: 'add',
        source: 'known',
      });
      return String(added.data['id']);
    }),
  );
  const made = await api.post('/sync/upload');
  const snapshot = String(made.data['snapshot']);
  return {
    id: ids,
    snapshot: [snapshot],
    backup_name: [snapshot],
    confirm: ['true'],
    source: ['known'],
    cursor: [''],
    after: ['7d', '2026-01-01', ''],
    before: ['2099-01-01', ''],
  };
}
