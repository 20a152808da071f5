// Measures whether the memory of a server is flat: requests over HTTP on 10,000 memories, with the real model.
//   npm run bench:soak -- [--kind mixed] [--operations 12000] [--pause 0] [--program FOLDER] [--runtime wasm]
//     [--growth 20] [--resident 300]
// Prints a line for each fortieth of the operations, and fails when memory grows by more than --growth MB for each 10,000
// operations, or was above --resident MB in the middle of the time after the warm part. The kind tells what causes growth:
// mixed, keyword, hybrid, writes (adds and deletes), sessions (of MCP, opened and closed), or open-sessions (never closed).
// With --pause 500, the pace is that of a few busy assistants: 120 operations a minute.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { randomNumbers } from './lib/filled-app.ts';
import { growth, type MemoryPoint, WARM_PART } from './lib/growth.ts';
import { HttpProcess } from './lib/http-process.ts';
import { percentile } from './lib/metrics.ts';

const { values } = parseArgs({
  options: {
    kind: { type: 'string', default: 'mixed' },
    operations: { type: 'string', default: '12000' },
    pause: { type: 'string', default: '0' },
    program: { type: 'string', default: '.' },
    runtime: { type: 'string', default: 'wasm' },
    growth: { type: 'string', default: '20' },
    resident: { type: 'string', default: '300' },
  },
});
const MEMORIES = 10_000;
const LINES = 40;

const random = randomNumbers(16);
const vocabulary = [
  ...new Set(
    readFileSync('README.md', 'utf8')
      .toLowerCase()
      .match(/[a-z]{3,}/g),
  ),
];
const words = (count: number): string =>
  Array.from({ length: count }, () => vocabulary[Math.floor(random() * vocabulary.length)]).join(' ');

const dataDir = mkdtempSync(join(tmpdir(), 'faiss-memory-soak-'));

async function run(args: readonly string[], env: Record<string, string> = {}): Promise<void> {
  const program = join(values.program, 'dist', 'bin', 'faiss-memory.js');
  const child = spawn(process.execPath, [program, ...args, '--data-dir', dataDir], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await once(child, 'exit');
}

async function fill(): Promise<void> {
  const file = join(dataDir, 'memories.jsonl');
  const lines = Array.from({ length: MEMORIES }, (_, index) =>
    JSON.stringify({ text: words(20), tags: [`tag${index % 50}`] }),
  );
  writeFileSync(file, lines.join('\n'));
  await run(['import', file]);
  await run(['reembed']);
}

const JSON_BODY = { 'Content-Type': 'application/json' };

/** The operations of one kind on one server. */
class Client {
  readonly #address: string;
  readonly #added: string[] = [];

  constructor(address: string) {
    this.#address = address.replace(/\/$/, '');
  }

  operation(kind: string, round: number): Promise<unknown> {
    switch (kind) {
      case 'keyword':
      case 'hybrid':
        return this.#search(kind);
      case 'writes':
        return round % 2 === 0 ? this.#add() : this.#delete(1);
      case 'sessions':
        return this.#session(true);
      case 'open-sessions':
        return this.#session(false);
      default:
        return this.#mixed(round);
    }
  }

  /** Half are searches, the rest adds, gets and deletes, so that the store keeps its size. */
  async #mixed(round: number): Promise<unknown> {
    const kind = round % 8;
    if (kind < 3) return this.#search('hybrid');
    if (kind === 3) return this.#search('keyword');
    if (kind < 6) return this.#add();
    const [id] = this.#added;
    if (kind === 6 && id !== undefined) return answer(await fetch(`${this.#address}/memory/${id}`));
    return this.#delete(2);
  }

  #search(mode: 'keyword' | 'hybrid'): Promise<unknown> {
    return this.#post('/search', { query: words(mode === 'keyword' ? 3 : 6), mode });
  }

  async #add(): Promise<void> {
    const { id } = (await this.#post('/memory/add', { text: words(25) })) as { id?: string };
    if (id !== undefined) this.#added.push(id);
  }

  async #delete(count: number): Promise<void> {
    for (const id of this.#added.splice(0, count))
      await answer(await fetch(`${this.#address}/memory/${id}`, { method: 'DELETE' }));
  }

  async #post(path: string, body: object): Promise<unknown> {
    const request = { method: 'POST', headers: JSON_BODY, body: JSON.stringify(body) };
    return answer(await fetch(this.#address + path, request));
  }

  async #session(isClosed: boolean): Promise<void> {
    const clientInfo = { name: 'soak', version: '1' };
    const hello = { protocolVersion: '2025-03-26', capabilities: {}, clientInfo };
    const id = (await this.#rpc({ id: 1, method: 'initialize', params: hello })) ?? '';
    await this.#rpc({ method: 'notifications/initialized' }, id);
    const call = { name: 'memory_search', arguments: { query: words(3), mode: 'keyword' } };
    await this.#rpc({ id: 2, method: 'tools/call', params: call }, id);
    if (isClosed)
      await fetch(`${this.#address}/mcp`, { method: 'DELETE', headers: { 'mcp-session-id': id } });
  }

  /** @returns the id of the session */
  async #rpc(message: object, session?: string): Promise<string | null> {
    const headers = {
      ...JSON_BODY,
      Accept: 'application/json, text/event-stream',
      ...(session === undefined ? {} : { 'mcp-session-id': session }),
    };
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    const response = await fetch(`${this.#address}/mcp`, { method: 'POST', headers, body });
    const text = await response.text();
    if (!response.ok || text.includes('"error"')) throw new Error(`MCP: ${response.status} ${text}`);
    return response.headers.get('mcp-session-id');
  }
}

async function answer(response: Response): Promise<unknown> {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
  return response.json();
}

await fill();
process.env['MEMORY_EMBEDDING_RUNTIME'] = values.runtime;
const server = await HttpProcess.start(dataDir, values.program);
const client = new Client(server.address);
const points: MemoryPoint[] = [];
const total = Number(values.operations);
for (let operations = 0; operations <= total; operations += 1) {
  if (operations % Math.ceil(total / LINES) === 0) {
    points.push({ operations, resident: server.rss });
    console.log(`${operations} operations: ${server.rss.toFixed(0)} MB`);
  }
  await client.operation(values.kind, operations);
  await sleep(Number(values.pause));
}
await server.stop();
rmSync(dataDir, { recursive: true });

const grown = growth(points);
const warm = points.filter(({ operations }) => operations >= total * WARM_PART);
const resident = percentile(
  warm.map((point) => point.resident),
  50,
);
const row = (what: string, measured: number, budget: string): void => {
  const isOver = !(measured <= Number(budget));
  console.log(`${what} ${measured.toFixed(1)} MB, budget ${budget} MB${isOver ? ': OVER' : ''}`);
  if (isOver) process.exitCode = 1;
};
row(`${values.kind}: growth for 10,000 operations`, grown, values.growth);
row(`${values.kind}: resident memory`, resident, values.resident);
