import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import autocannon from 'autocannon';
import { randomNumbers, randomQuery, randomText } from '../lib/filled-app.ts';
import { HttpProcess } from '../lib/http-process.ts';
import { percentile } from '../lib/metrics.ts';
import type { Report } from '../lib/row.ts';
import { randomNote } from '../lib/sentences.ts';

const SECONDS = 6;
/** Requests a second for long runs: the load of a team, which leaves the machine free for other work. */
const STEADY_RATE = 20;
const CONNECTIONS = [1, 10, 50];
/** Greatest part of the rate of a bare server that a search may cost, and the slowest of a hundred at ten connections. */
const BUDGETS = { keyword: { part: 75, p99: 100 }, hybrid: { part: 400, p99: 250 } } as const;
const HEADERS = { 'Content-Type': 'application/json' };

type Mode = 'keyword' | 'hybrid';

interface Load {
  readonly perSecond: number;
  readonly p99: number;
  readonly errors: number;
}

/** Different searches, so that no cache can answer them. */
function searches(mode: Mode): autocannon.Request[] {
  const random = randomNumbers(5);
  return Array.from({ length: 200 }, () => ({
    method: 'POST',
    path: '/search',
    headers: HEADERS,
    body: JSON.stringify({ query: randomQuery(random), mode }),
  }));
}

interface LoadPlan {
  readonly requests: autocannon.Request[];
  readonly seconds?: number;
  /** Maximum number of requests a second. */
  readonly rate?: number;
}

async function load(
  { address }: HttpProcess,
  connections: number,
  { requests, seconds = SECONDS, rate }: LoadPlan,
): Promise<Load> {
  const limit = rate === undefined ? {} : { overallRate: rate };
  const result = await autocannon({ url: address, connections, duration: seconds, requests, ...limit });
  const errors = result.errors + result.timeouts + result.non2xx;
  return { perSecond: result.requests.average, p99: result.latency.p99, errors };
}

const describeLoad = ({ perSecond, p99, errors }: Load): string =>
  `${perSecond.toFixed(0)}/s, p99 ${p99} ms${errors === 0 ? '' : `, ${errors} errors`}`;

/** Measures the HTTP server on a filled data folder: searches, writes, memory over time, shutdown under load. */
export async function httpRows(
  dataDir: string,
  report: Report,
  { flatSeconds }: { readonly flatSeconds: number },
): Promise<void> {
  const server = await HttpProcess.start(dataDir);
  // The first search by meaning loads the model and the index.
  await load(server, 1, { requests: searches('hybrid'), seconds: 5 });
  await searchRows(server, report);
  await writeRows(server, report);
  await inspectorRow(server, report);
  await flatRow(server, report, flatSeconds);
  await shutdownRow(dataDir, server, report);
}

async function searchRows(server: HttpProcess, report: Report): Promise<void> {
  const [sample] = searches('keyword');
  const init = { method: 'POST', headers: HEADERS, body: String(sample?.body) };
  const bytes = (await (await fetch(`${server.address}/search`, init)).text()).length;
  const bare = await HttpProcess.startBare(bytes);
  for (const mode of ['keyword', 'hybrid'] as const) {
    for (const connections of CONNECTIONS) {
      const reference = await load(bare, connections, { requests: searches(mode), seconds: 3 });
      const measured = await load(server, connections, { requests: searches(mode) });
      const { part, p99 } = BUDGETS[mode];
      const ratio = reference.perSecond / measured.perSecond;
      const isBusy = connections > 10;
      report({
        what: `HTTP ${mode} search, 10000 memories, ${connections} connections`,
        measured: `${describeLoad(measured)}, 1/${ratio.toFixed(0)}`,
        budget: isBusy ? `1/${part}` : `1/${part}, p99 ${p99} ms`,
        reference: `node:http, same bytes: ${describeLoad(reference)}`,
        ok: measured.errors === 0 && ratio <= part && (isBusy || measured.p99 <= p99),
      });
    }
  }
  await bare.stop();
}

/** An add of one memory with a text of its own each time. */
function adds(
  text: (random: () => number) => string,
  { seed, query = '' }: { readonly seed: number; readonly query?: string },
): autocannon.Request[] {
  const random = randomNumbers(seed);
  return Array.from({ length: 5_000 }, () => ({
    method: 'POST' as const,
    path: `/memory/add${query}`,
    headers: HEADERS,
    body: JSON.stringify({ text: text(random) }),
  }));
}

async function writeRows(server: HttpProcess, report: Report): Promise<void> {
  const alone = await load(server, 10, { requests: searches('keyword') });
  const rows = [
    [
      'HTTP adds of notes as people write them, one after the other, during keyword searches by 10',
      adds(randomNote, { seed: 10 }),
      50,
    ],
    ['the same with wait=false', adds(randomNote, { seed: 11, query: '?wait=false' }), 50],
    // Twice the word pieces: what the model alone takes for one leaves no room for a fixed number.
    ['the same with made-up words, waiting', adds(randomText, { seed: 9 }), 'half of those alone'],
  ] as const;
  for (const [what, requests, least] of rows) {
    const undisturbed = await load(server, 1, { requests, seconds: 3 });
    const [written, found] = await Promise.all([
      load(server, 1, { requests: requests.slice(1_000) }),
      load(server, 10, { requests: searches('keyword') }),
    ]);
    report({
      what,
      measured: `adds ${describeLoad(written)}; searches ${describeLoad(found)}`,
      budget: `adds ${typeof least === 'number' ? `${least}/s` : least}; searches half of those alone`,
      reference: `adds alone: ${describeLoad(undisturbed)}; searches alone: ${describeLoad(alone)}`,
      ok:
        written.errors + found.errors === 0 &&
        written.perSecond >= (typeof least === 'number' ? least : undisturbed.perSecond / 2) &&
        found.perSecond >= alone.perSecond / 2,
    });
  }
  await embedded(server);
}

/** Waits for the vectors that were left for later, so that they are not made beside the next row. */
async function embedded({ address }: HttpProcess): Promise<void> {
  for (let left = 300; left > 0; left -= 1) {
    const { embedding } = (await (await fetch(`${address}/stats`)).json()) as {
      embedding: { pending: number };
    };
    if (embedding.pending === 0) return;
    await sleep(1_000);
  }
  throw new Error('some memories had no vector after five minutes');
}

/** MCP beside the SDK's own server with a tool that does nothing, with the load mode of the Inspector. */
async function inspectorRow(server: HttpProcess, report: Report): Promise<void> {
  const [sample] = searches('keyword');
  const init = { method: 'POST', headers: HEADERS, body: String(sample?.body) };
  const bytes = (await (await fetch(`${server.address}/search`, init)).text()).length;
  const trivial = await HttpProcess.startTrivialTool(bytes);
  const reference = await inspectorLoad(trivial.address);
  const measured = await inspectorLoad(`${server.address}/mcp`);
  await trivial.stop();
  const ratio = measured.perSecond / reference.perSecond;
  report({
    what: 'MCP memory_search over Streamable HTTP, Inspector, 10 at once',
    measured: `${describeLoad(measured)}, ${ratio.toFixed(2)} x`,
    budget: '0.5 x',
    reference: `the SDK with a tool that does nothing: ${describeLoad(reference)}`,
    ok: measured.errors === 0 && ratio >= 0.5,
  });
}

async function inspectorLoad(address: string): Promise<Load> {
  const { stdout } = await promisify(execFile)('npx', [
    ...['mcp-inspector', '--cli', address],
    ...['--transport', 'http', '--method', 'tools/call', '--tool-name', 'memory_search'],
    ...['--tool-args-json', '{"query":"w100 w2000","mode":"keyword"}'],
    ...['--load', '--load-concurrency', '10', '--load-duration', String(SECONDS)],
    ...['--format', 'json', '--quiet'],
  ]);
  const { result } = JSON.parse(stdout) as { result: InspectorLoad };
  return {
    perSecond: result.throughput,
    p99: result.latencyMs.p99,
    errors: result.errors + result.toolErrors,
  };
}

/** The members of the Inspector's output that are read here. */
interface InspectorLoad {
  readonly throughput: number;
  readonly latencyMs: { readonly p99: number };
  readonly errors: number;
  readonly toolErrors: number;
}

/** Measures resident memory during searches: the last quarter of the time compared with the second one. */
async function flatRow(server: HttpProcess, report: Report, seconds: number): Promise<void> {
  const samples: number[] = [];
  const watching = new AbortController();
  const watch = async (): Promise<void> => {
    while (!watching.signal.aborted) {
      samples.push(server.rss);
      await sleep(500);
    }
  };
  const watched = watch();
  const { errors } = await load(server, 10, { requests: searches('hybrid'), seconds, rate: STEADY_RATE });
  watching.abort();
  await watched;
  const quarter = Math.floor(samples.length / 4);
  const early = percentile(samples.slice(quarter, 2 * quarter), 50);
  const late = percentile(samples.slice(3 * quarter), 50);
  report({
    what: `HTTP resident memory under load for ${seconds} s`,
    measured: `${late.toFixed(0)} MB, ${(late / early).toFixed(2)} x`,
    budget: '1.10 x',
    reference: `before: ${early.toFixed(0)} MB`,
    ok: late / early <= 1.1 && errors === 0,
  });
}

/** Ends the server while 20 clients add memories. Acknowledged memories must exist after the next start. */
async function shutdownRow(dataDir: string, server: HttpProcess, report: Report): Promise<void> {
  const acknowledged: string[] = [];
  let cut = 0;
  let running = true;
  const client = async (name: number): Promise<void> => {
    for (let turn = 0; running; turn += 1) {
      const body = JSON.stringify({ text: `client ${name} turn ${turn} ${performance.now()}` });
      const response = await fetch(`${server.address}/memory/add`, {
        method: 'POST',
        headers: HEADERS,
        body,
      }).catch(() => undefined);
      if (response === undefined) return;
      const answer = await response.text().catch(() => '');
      if (answer === '') cut += 1;
      else acknowledged.push((JSON.parse(answer) as { id: string }).id);
    }
  };
  const clients = Array.from({ length: 20 }, (_, name) => client(name));
  await sleep(1_000);
  const start = performance.now();
  const code = await server.stop();
  const took = performance.now() - start;
  running = false;
  await Promise.all(clients);
  const again = await HttpProcess.start(dataDir);
  let lost = 0;
  for (const id of acknowledged) {
    const { status } = await fetch(`${again.address}/memory/${id}`);
    if (status !== 200) lost += 1;
  }
  await again.stop();
  report({
    what: 'HTTP shutdown under load',
    measured: `${acknowledged.length} acknowledged, ${lost} lost, ${cut} answers cut, ${(took / 1_000).toFixed(1)} s`,
    budget: 'none lost, none cut',
    reference: '',
    ok: lost === 0 && cut === 0 && code === 0,
  });
}
