import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { httpClient } from '../helpers/http-client.ts';
import { launchServer, startServer } from '../helpers/http-server.ts';
import { httpClientKinds } from '../helpers/mcp/http-clients.ts';
import { temporaryFolder, WITH_MODEL } from '../helpers/mcp/server-environment.ts';
import { type ReceivedSpan, startOtlpReceiver } from '../helpers/otlp-receiver.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const TOKEN = 'a-token-that-nobody-sees';

/** The built program beside all packages but those of OpenTelemetry. */
function programWithoutOpenTelemetry(): string {
  const folder = temporaryFolder();
  cpSync('dist', join(folder, 'dist'), { recursive: true });
  for (const name of ['models', 'vendor', 'package.json']) symlinkSync(resolve(name), join(folder, name));
  mkdirSync(join(folder, 'node_modules'));
  for (const name of readdirSync('node_modules')) {
    if (name !== '@opentelemetry')
      symlinkSync(resolve('node_modules', name), join(folder, 'node_modules', name));
  }
  return join(folder, 'dist', 'bin', 'faiss-memory.js');
}

/** Names of the spans from this one up to one without a known parent. */
function way(spans: readonly ReceivedSpan[], span: ReceivedSpan | undefined): string[] {
  if (span === undefined) return [];
  return [
    span.name,
    ...way(
      spans,
      spans.find(({ spanId }) => spanId === span.parentId),
    ),
  ];
}

await describeWithPostgres('traces', (server) => {
  test('follow a request through tools, store and database in the trace of the client, and tell no secret', async () => {
    const receiver = await startOtlpReceiver();
    const url = await server().createDatabase();
    const running = await launchServer({
      env: {
        ...WITH_MODEL,
        MEMORY_STORE: 'postgres',
        MEMORY_DATABASE_URL: url,
        MEMORY_HTTP_TOKEN: TOKEN,
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.address,
        OTEL_SERVICE_NAME: 'the-memory-of-the-team',
        OTEL_BSP_SCHEDULE_DELAY: '100',
      },
    });
    const traceparent = `00-${TRACE}-${PARENT}-01`;
    const api = httpClient(running.address, { Authorization: `Bearer ${TOKEN}`, traceparent });
    expect((await api.post('/memory/add', { text: 'Zebras sleep standing', tags: ['savanna'] })).status).toBe(
      201,
    );
    expect((await api.post('/search', { query: 'how do zebras rest' })).status).toBe(200);
    expect((await api.get('/memory/no-such-memory')).status).toBe(404);
    const kind = httpClientKinds.find(({ name }) => name.includes('negotiating'));
    const client = await kind?.connect(running.address, { token: TOKEN });
    await client?.call('memory_search', { query: 'zebras' });
    await client?.client.close();
    await api.get('/health');
    expect(await running.stop()).toBe(0);
    const { spans } = receiver;
    const names = spans.map(({ name }) => name);
    expect(new Set(spans.map(({ service }) => service))).toEqual(new Set(['the-memory-of-the-team']));
    const adding = spans.find(({ name }) => name === 'POST /memory/add');
    expect(adding).toMatchObject({
      traceId: TRACE,
      parentId: PARENT,
      kind: 2,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/memory/add',
        'http.response.status_code': 201,
      },
    });
    const statement = spans.find(({ name, traceId }) => name === 'postgresql statement' && traceId === TRACE);
    expect(way(spans, statement).slice(1)).toEqual([
      expect.stringMatching(/^store /),
      expect.stringMatching(/^POST /),
    ]);
    const tool = spans.find(({ name }) => name === 'tool memory_search');
    expect(way(spans, tool)).toEqual(['tool memory_search', 'POST /mcp']);
    expect(names.filter((name) => name.startsWith('embedding '))).not.toEqual([]);
    expect(names.some((name) => name.includes('/health'))).toBe(false);
    const bytes = Buffer.concat(receiver.bodies).toString('latin1');
    expect(bytes).not.toMatch(new RegExp(`zebra|savanna|no-such-memory|${TOKEN}|owner`, 'i'));
  });

  test('are not forced by callers: the sampler decides, whatever flag and id they send', async () => {
    for (const sampler of ['parentbased_always_off', 'traceidratio']) {
      const receiver = await startOtlpReceiver();
      const running = await launchServer({
        env: {
          MEMORY_HTTP_TOKEN: TOKEN,
          OTEL_EXPORTER_OTLP_ENDPOINT: receiver.address,
          OTEL_TRACES_SAMPLER: sampler,
          OTEL_TRACES_SAMPLER_ARG: '0.000001',
        },
      });
      for (const flag of ['00', '01']) {
        // Such an id is below every ratio.
        const traceparent = `00-${'0'.repeat(31)}1-${PARENT}-${flag}`;
        expect((await httpClient(running.address, { traceparent }).get('/memories')).status).toBe(401);
      }
      await running.stop();
      expect([sampler, receiver.spans.map(({ name }) => name)]).toEqual([sampler, []]);
    }
  });

  test('mark failures with their code', async () => {
    const receiver = await startOtlpReceiver();
    const url = server().url('no_such_database');
    const running = await launchServer({
      env: {
        MEMORY_STORE: 'postgres',
        MEMORY_DATABASE_URL: url,
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.address,
      },
    });
    expect((await httpClient(running.address).get('/memories')).status).toBe(503);
    await running.stop();
    expect(receiver.spans).toContainEqual(
      expect.objectContaining({
        name: 'store list',
        failed: true,
        attributes: { 'error.type': 'STORE_UNAVAILABLE' },
      }),
    );
  });
});

describe('the packages of OpenTelemetry', () => {
  const program = programWithoutOpenTelemetry;

  test.each([
    ['without its variables', {}],
    ['switched off', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_SDK_DISABLED: 'true' }],
  ])('are not needed %s', async (_, env: Record<string, string>) => {
    const running = await startServer({ program: program(), env });
    expect((await httpClient(running.address).get('/stats')).status).toBe(200);
  });

  test.each([
    [{}, 'npm install @opentelemetry/api@1'],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'OTEL_EXPORTER_OTLP_PROTOCOL is "grpc"'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, 'OTEL_EXPORTER_OTLP_ENDPOINT is "collector:4318"'],
  ])('are asked for by name: %o', async (env: Record<string, string>, message) => {
    const asked = launchServer({
      program: program(),
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', ...env },
    });
    await expect(asked).rejects.toThrow(message);
  });

  test('do not hold up a server whose collector is gone', async () => {
    const running = await startServer({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' } });
    expect((await httpClient(running.address).get('/stats')).status).toBe(200);
    expect(await running.stop()).toBe(0);
  });
});
