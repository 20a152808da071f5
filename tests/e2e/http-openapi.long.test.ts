import { mkdtempSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import type { ErrorObject, ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EmbeddingServer, startEmbeddingServer } from '../helpers/embedding-server.ts';
import { httpClient } from '../helpers/http-client.ts';
import { launchServer, type RunningHttpServer } from '../helpers/http-server.ts';
import { type Operation, operationsOf, type Parameter } from '../helpers/openapi/operations.ts';
import { hostileBody, hostileJson, type KnownValues, validValue } from '../helpers/openapi/values.ts';
import { type RawAnswer, type RawRequest, sendRaw } from '../helpers/raw-request.ts';

/** Parameters and members of the body; the values are JSON. */
interface Draft {
  readonly parameters: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, string>>;
}

/** Requests that fit the description of an operation. */
function validRequests(operation: Operation, known: KnownValues): fc.Arbitrary<RawRequest> {
  return drafts(operation, known).map((draft) => toRequest(operation, draft));
}

/** Requests with one thing wrong, or many. */
function hostileRequests(operation: Operation, known: KnownValues): fc.Arbitrary<RawRequest> {
  const { method, body, parameters } = operation;
  const valid = drafts(operation, known);
  const names = [...Object.keys(body?.properties ?? {}), ...parameters.map(({ name }) => name)];
  const someName = names.length === 0 ? fc.constant('x') : fc.constantFrom(...names, '__proto__', 'unknown');
  const changed = fc.tuple(valid, fc.array(fc.tuple(someName, hostileJson), { minLength: 1, maxLength: 3 }));
  return fc.oneof(
    {
      weight: 4,
      arbitrary: changed.map(([draft, changes]) => toRequest(operation, change(operation, draft, changes))),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(valid, hostileBody).map(([draft, text]) => ({
        ...toRequest(operation, draft),
        ...(method === 'GET' ? {} : { body: text }),
      })),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(valid, hostileQuery(someName))
        .map(([draft, query]) => withQuery(toRequest(operation, draft), query)),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(valid, hostileHeaders).map(([draft, headers]) => {
        const request = toRequest(operation, draft);
        return { ...request, headers: { ...request.headers, ...headers } };
      }),
    },
  );
}

function drafts({ parameters, body }: Operation, known: KnownValues): fc.Arbitrary<Draft> {
  const values = (list: readonly Parameter[]): fc.Arbitrary<Record<string, string>> =>
    fc.record(
      Object.fromEntries(list.map(({ name, schema }) => [name, validValue(schema, name, known).map(toJson)])),
      { requiredKeys: list.filter(({ required }) => required).map(({ name }) => name) },
    );
  const members = Object.entries(body?.properties ?? {}).map(([name, schema]) => {
    const required = body?.required?.includes(name) ?? false;
    return { name, in: 'query' as const, required, schema };
  });
  return fc.record({ parameters: values(parameters), body: values(members) });
}

function toJson(value: unknown): string {
  return JSON.stringify(value);
}

function change(
  { body, parameters }: Operation,
  draft: Draft,
  changes: readonly (readonly [string, string])[],
): Draft {
  const inBody = changes.filter(([name]) => body !== undefined && !isParameter(parameters, name));
  const others = changes.filter(([name]) => isParameter(parameters, name) || body === undefined);
  return {
    parameters: { ...draft.parameters, ...Object.fromEntries(others) },
    body: { ...draft.body, ...Object.fromEntries(inBody) },
  };
}

function isParameter(parameters: readonly Parameter[], name: string): boolean {
  return parameters.some((parameter) => parameter.name === name);
}

function hostileQuery(name: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const part = fc.oneof(
    fc.tuple(name, hostileJson).map(([key, json]) => `${key}=${plain(json)}&${key}=${plain(json)}`),
    fc.constantFrom(
      '%',
      '%zz=1',
      '=',
      '&&&',
      'limit[]=5',
      'limit=%F0%9F',
      '%00=%00',
      '__proto__[a]=1',
      'a+b=c+d',
      '?',
    ),
  );
  return fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('&'));
}

const hostileHeaders = fc.constantFrom<Record<string, string>[]>(
  { 'Content-Type': 'application/json; charset=utf-16' },
  { 'Content-Type': 'application/x-www-form-urlencoded' },
  { 'Content-Type': 'nonsense' },
  { 'Content-Encoding': 'gzip' },
  { Accept: 'image/png' },
  { Accept: 'text/event-stream;q=0' },
  { 'X-Request-Id': 'a'.repeat(300) },
  { 'If-None-Match': '*' },
  { Range: 'bytes=0-1' },
);

function withQuery(request: RawRequest, query: string): RawRequest {
  return { ...request, path: request.path + (request.path.includes('?') ? '&' : '?') + query };
}

function toRequest({ method, path, parameters, body, otherBody }: Operation, draft: Draft): RawRequest {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => plain(draft.parameters[name] ?? '""'));
  const query = Object.entries(draft.parameters)
    .filter(([name]) => parameters.find((parameter) => parameter.name === name)?.in !== 'path')
    .flatMap(([name, json]) => inQuery(name, json));
  const members = Object.entries(draft.body).map(([name, json]) => `${JSON.stringify(name)}:${json}`);
  return {
    method,
    path: query.length === 0 ? filled : `${filled}?${query.join('&')}`,
    ...(body === undefined
      ? {}
      : { headers: { 'Content-Type': 'application/json' }, body: `{${members.join()}}` }),
    ...(otherBody === undefined
      ? {}
      : { headers: { 'Content-Type': otherBody }, body: '{"text":"a line"}\n' }),
  };
}

/** A list is the same name several times, as OpenAPI has it. */
function inQuery(name: string, json: string): string[] {
  const value: unknown = json.length > 10_000 ? json : JSON.parse(json);
  return Array.isArray(value)
    ? value.map((item) => `${name}=${plain(JSON.stringify(item))}`)
    : [`${name}=${plain(json)}`];
}

/** A JSON value as it stands in an address: texts without quotes, and short enough for the line of a request. */
function plain(json: string): string {
  const text = json.startsWith('"') ? String(JSON.parse(json)) : json;
  // In a path `.` and `..` are steps, however they are written.
  const shown = /^\.{1,2}$/.test(text) ? `x${text}` : text;
  return encodeURIComponent(shown.slice(0, 300).toWellFormed());
}

/** Finds what is wrong with an answer: undefined when the document describes it. */
type AnswerCheck = (answer: RawAnswer) => string | undefined;

/** Compiles the schemas of all answers of an operation; an odd schema is an error. */
function answerCheck({ responses }: Operation): AnswerCheck {
  const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
  // The types of this CommonJS module do not tell its default export.
  (formats as unknown as (instance: Ajv2020) => void)(ajv);
  const validators = new Map<string, ValidateFunction>();
  for (const [status, contents] of Object.entries(responses)) {
    for (const [type, schema] of Object.entries(contents)) {
      if (/json$/.test(type) && type !== 'application/x-ndjson')
        validators.set(`${status} ${type}`, ajv.compile(schema));
    }
  }
  return ({ status, headers, text }) => {
    const contents = responses[String(status)];
    if (contents === undefined) return `the status ${status} is not described: ${text.slice(0, 500)}`;
    const type = String(headers['content-type'] ?? '').replace(/;.*/, '');
    if (contents[type] === undefined) return `the type "${type}" of ${status} is not described`;
    const validate = validators.get(`${status} ${type}`);
    if (validate === undefined || validate(JSON.parse(text))) return undefined;
    return `${status} does not fit its schema: ${describeProblem(validate.errors ?? [])} in ${text.slice(0, 500)}`;
  };
}

function describeProblem(errors: readonly ErrorObject[]): string {
  return errors.map(({ instancePath, message = '' }) => `${instancePath} ${message}`).join('; ');
}

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
  'deleteConversation',
  'deleteMemory',
  'exportConversation',
  'exportMemories',
  'getConversation',
  'getMemory',
  'growth',
  'health',
  'importMemories',
  'isNovel',
  'listBackups',
  'listConversations',
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
  'tidy',
  'updateMemory',
];

describe('the OpenAPI document', () => {
  test('is valid OpenAPI 3.1 and names every operation once', async () => {
    const { data } = await httpClient(server.address).get('/openapi.json');
    expect(data['openapi']).toBe('3.1.0');
    expect([...operations.keys()].sort()).toEqual(ALL);
  });

  test.each(ALL)(
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

  test('was about a server that is still healthy, and has nothing to say', async () => {
    expect((await httpClient(server.address).get('/health')).data).toMatchObject({
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
  const session = 'known session';
  for (const position of [0, 1]) {
    const metadata = { kind: 'conversation', session, client: 'known', position, role: 'user' };
    await api.post('/memory/add', { text: `known turn ${position}`, on_duplicate: 'add', metadata });
  }
  const made = await api.post('/sync/upload');
  const snapshot = String(made.data['snapshot']);
  return {
    // That of a conversation is its session.
    id: [...ids, session, session],
    supersedes: ids,
    occurred_at: ['2026-03-05', '3d', '2026-03-05T10:00:00Z'],
    expires: ['2099-01-01', '30d'],
    as_of: ['2026-03-05', '1w'],
    session: [session],
    client: ['known', ''],
    snapshot: [snapshot],
    backup_name: [snapshot],
    confirm: ['true'],
    source: ['known'],
    cursor: [''],
    after: ['7d', '2026-01-01', ''],
    before: ['2099-01-01', ''],
  };
}
