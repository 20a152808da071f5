import { Agent, request, type RequestOptions } from 'node:http';
import { describe, expect, test } from 'vitest';
import { forEachLimited } from '../../src/util/concurrency.ts';
import { httpClient } from '../helpers/http-client.ts';
import { type RunningHttpServer, startServer } from '../helpers/http-server.ts';

interface Sent {
  readonly status: number;
  readonly ms: number;
  readonly retryAfter: number | undefined;
}

/** Clients that send one search after the other, each on a connection of its own. @param from a loopback address */
async function flood(
  { address }: RunningHttpServer,
  { from, clients, each }: { readonly from: string; readonly clients: number; readonly each: number },
): Promise<Sent[]> {
  const sent: Sent[] = [];
  const agents = Array.from(
    { length: clients },
    () => new Agent({ keepAlive: true, maxSockets: 1, localAddress: from }),
  );
  // All connections at once would wait for the kernel.
  await forEachLimited(agents, 20, async (agent) => {
    await send(`${address}/health/live`, { agent });
  });
  const client = async (agent: Agent): Promise<void> => {
    for (let count = 0; count < each; count += 1) sent.push(await search(address, agent));
    agent.destroy();
  };
  await Promise.all(agents.map(client));
  return sent;
}

function search(address: string, agent: Agent): Promise<Sent> {
  const headers = { 'Content-Type': 'application/json' };
  const body = JSON.stringify({ query: 'which fact speaks of the river in spring', limit: 50 });
  return send(`${address}/search`, { method: 'POST', headers, agent }, body);
}

function send(url: string, options: RequestOptions, body = ''): Promise<Sent> {
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const asked = request(url, options, (response) => {
      const retry = response.headers['retry-after'];
      response.resume().once('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          ms: performance.now() - begun,
          retryAfter: retry === undefined ? undefined : Number(retry),
        });
      });
    });
    asked.once('error', reject);
    asked.end(body);
  });
}

function statuses(sent: readonly Sent[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of sent) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

function median(sent: readonly Sent[]): number {
  const sorted = sent.map(({ ms }) => ms).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

async function filledServer(env: Readonly<Record<string, string>>): Promise<RunningHttpServer> {
  const server = await startServer({ env: { MEMORY_HTTP_RATE_LIMIT: '0', ...env } });
  const lines = Array.from({ length: 2_000 }, (_, number) =>
    JSON.stringify({ text: `Fact number ${number} speaks of the river ${number % 97} in spring` }),
  );
  const headers = { 'Content-Type': 'application/x-ndjson' };
  await httpClient(server.address).send('/import', { method: 'POST', headers, body: lines.join('\n') });
  return server;
}

describe('a server with more requests than it can answer', () => {
  test('refuses nothing of 50 busy clients, by default', async () => {
    const server = await filledServer({});
    const sent = await flood(server, { from: '127.0.0.1', clients: 50, each: 10 });
    expect(statuses(sent)).toEqual({ 200: 500 });
  });

  test('refuses the rest soon, answers the others in bounded time, and starves nobody', async () => {
    const server = await filledServer({ MEMORY_HTTP_CONCURRENCY: '8', MEMORY_HTTP_QUEUE: '16' });
    const flooding = flood(server, { from: '127.0.0.1', clients: 100, each: 10 });
    const other = flood(server, { from: '127.0.0.2', clients: 1, each: 20 });
    let probes = 0;
    const crowd = { isThere: true };
    const probing = (async (): Promise<void> => {
      while (crowd.isThere) {
        expect((await httpClient(server.address).get('/health/ready')).status).toBe(200);
        probes += 1;
      }
    })();
    const [answers, alone] = await Promise.all([flooding, other]);
    crowd.isThere = false;
    await probing;
    const accepted = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status === 503);
    expect(accepted.length + refused.length).toBe(answers.length);
    expect(accepted.length).toBeGreaterThan(0);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every(({ retryAfter }) => retryAfter !== undefined && retryAfter >= 1)).toBe(true);
    expect(statuses(alone)).toEqual({ 200: 20 });
    expect(probes).toBeGreaterThan(0);
    // Compared with each other, because the machine may be busy with something else.
    expect(median(refused)).toBeLessThan(median(accepted));
    expect(median(alone)).toBeLessThan(median(accepted) * 2);
    const { data } = await httpClient(server.address).get('/health');
    expect(data).toMatchObject({ status: 'degraded', requests: { waiting: 0 } });
  });
});
