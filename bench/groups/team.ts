import { availableParallelism } from 'node:os';
import autocannon from 'autocannon';
import { type App, createApp, resolveConfig } from 'faiss-memory';
import { findPostgres, PostgresServer } from '../../tests/helpers/servers/postgres.ts';
import { filledApp, randomNumbers, randomQuery, randomText, VECTORS_ONLY } from '../lib/filled-app.ts';
import { HttpProcess } from '../lib/http-process.ts';
import { percentile } from '../lib/metrics.ts';
import { ms, type Report, times as measure } from '../lib/row.ts';
import { DatabaseFacts, Folders, indexBytes, onDatabase, send, startReading } from '../lib/team-servers.ts';
import { spaceRows } from './spaces.ts';

/** So many processors are free for two servers beside the database and the load. */
const ENOUGH_CORES = 6;
const SMALL = 10_000;
const TEXT_LENGTH = randomText(randomNumbers(1)).length;

/** What all rows of a run share. */
interface TeamRun {
  readonly report: Report;
  readonly folders: Folders;
  readonly url: string;
  readonly facts: DatabaseFacts;
  readonly rounds: number;
  readonly memories: number;
}

/** Servers on PostgreSQL beside the same server on SQLite, and a server of many spaces. */
export async function teamRows(report: Report, { isQuick }: { readonly isQuick: boolean }): Promise<void> {
  const folders = new Folders();
  const sizes = isQuick ? { spaces: 100, active: 20 } : { spaces: 1_000, active: 200 };
  const programs = await findPostgres();
  if (programs === null)
    console.error('PostgreSQL is not installed here, so the rows about it are left out.');
  else {
    const server = await PostgresServer.start(programs, []);
    try {
      const url = await server.createDatabase();
      await withFilled(url, SMALL, 'small');
      const facts = await DatabaseFacts.open(server, url);
      const memories = isQuick ? 20_000 : 100_000;
      const run: TeamRun = { report, folders, url, facts, rounds: isQuick ? 40 : 150, memories };
      await besideSqlite(run);
      await replicaRows(run);
      await spaceRows(report, folders, { ...sizes, database: { url, facts } });
      await facts.close();
    } finally {
      await server.stop();
    }
  }
  await spaceRows(report, folders, sizes);
  folders.clean();
}

/** Fills a space. The folder of the writer is thrown away. */
async function withFilled(url: string, memories: number, space: string): Promise<void> {
  const filled = await filledApp(memories, onDatabase(url, space));
  await filled.close();
}

/** The same searches and writes in turns, so that other programs disturb both alike. */
async function besideSqlite({ report, folders, url, facts, rounds }: TeamRun): Promise<void> {
  const filled = await filledApp(SMALL);
  const sqlite = await HttpProcess.start(filled.dataDir);
  const { server: postgres } = await startReading(folders.next(), onDatabase(url, 'small'), SMALL);
  for (const mode of ['keyword', 'hybrid'] as const) {
    const times = await inTurns({ sqlite, postgres }, rounds, (random) => [
      '/search',
      { query: randomQuery(random), mode },
    ]);
    const [here, there] = [percentile(times.sqlite, 50), percentile(times.postgres, 50)];
    report({
      what: `${mode} search over PostgreSQL, ${SMALL} memories, p50`,
      measured: `${ms(there)}, ${(here / there).toFixed(2)} x the searches`,
      budget: '0.8 x',
      reference: `the same server on SQLite: ${ms(here)}`,
      ok: here / there >= 0.8,
    });
  }
  await Promise.all([sqlite.stop(), postgres.stop()]);
  await addRow({ report, url, facts, rounds, folders }, filled.app);
  await filled.close();
}

/** Without the model, which is most of an add over HTTP and the same for both. */
async function addRow(
  { report, url, facts, rounds, folders }: Omit<TeamRun, 'memories'>,
  sqlite: App,
): Promise<void> {
  const dataDir = folders.next();
  const env = { ...onDatabase(url, 'small'), ...VECTORS_ONLY, MEMORY_DATA_DIR: dataDir };
  const machine = { platform: process.platform, homeDirectory: dataDir, workingDirectory: process.cwd() };
  const postgres = await createApp(resolveConfig({ ...machine, env }).settings);
  const times = { sqlite: [] as number[], postgres: [] as number[], commits: [] as number[] };
  const random = randomNumbers(rounds);
  const add = (app: App): Promise<unknown> =>
    app.store.add([{ text: randomText(random), tags: [], source: '', metadata: {} }]);
  await Promise.all([add(sqlite), add(postgres)]);
  for (let round = 0; round < rounds; round += 1) {
    times.sqlite.push(...(await measure(1, () => add(sqlite))));
    times.postgres.push(...(await measure(1, () => add(postgres))));
    times.commits.push(...(await facts.commits(1, TEXT_LENGTH)));
  }
  await postgres.close();
  const [here, there, commit] = [times.sqlite, times.postgres, times.commits].map((all) =>
    percentile(all, 50),
  );
  report({
    what: `add over PostgreSQL, ${SMALL} memories, p50`,
    measured: `${ms(there ?? NaN)}, one commit + ${ms((there ?? NaN) - (commit ?? NaN))}`,
    budget: 'one commit + 15 ms',
    reference: `one commit of such a row: ${ms(commit ?? NaN)}; add on SQLite: ${ms(here ?? NaN)}`,
    ok: (there ?? NaN) <= (commit ?? NaN) + 15,
  });
}

async function inTurns(
  servers: { readonly sqlite: HttpProcess; readonly postgres: HttpProcess },
  rounds: number,
  request: (random: () => number) => [path: string, body: unknown],
): Promise<Record<keyof typeof servers, number[]>> {
  const times = { sqlite: [] as number[], postgres: [] as number[] };
  const random = randomNumbers(rounds);
  for (let round = -5; round < rounds; round += 1) {
    for (const kind of ['sqlite', 'postgres'] as const) {
      const [path, body] = request(random);
      const start = performance.now();
      await send(servers[kind], path, { body });
      // The first ones load what later ones have.
      if (round >= 0) times[kind].push(performance.now() - start);
    }
  }
  return times;
}

async function replicaRows(run: TeamRun): Promise<void> {
  const { report, folders, url, facts, memories } = run;
  const emptyBytes = await facts.bytes();
  await withFilled(url, memories, 'bench');
  const bytes = ((await facts.bytes()) - emptyBytes) / memories;
  const [first, second] = [folders.next(), folders.next()];
  const lost = await startReading(first, onDatabase(url), memories);
  const budgetMs = (15_000 * memories) / 100_000;
  const hybrid = performance.now();
  await send(lost.server, '/search', { body: { query: 'w100 w2000', mode: 'hybrid' } });
  report({
    what: `a lost index of ${memories} memories with vectors is read again`,
    measured: `${seconds(lost.wholeMs)}; by words after ${seconds(lost.wordsMs)}; then the first search by meaning, with the model: ${ms(performance.now() - hybrid)}`,
    budget: `${seconds(budgetMs)}, words earlier`,
    reference: `processor time of the server: ${seconds(lost.cpuMs)}`,
    ok: lost.wholeMs <= budgetMs && lost.wordsMs < lost.wholeMs,
  });
  const rss = lost.server.rss;
  await lost.server.stop();
  const absent = await absenceRow(run, first);
  const { server } = await startReading(second, onDatabase(url), absent.memories);
  await freshnessRow(run, [absent.server, server]);
  await searchCostRow(run, [absent.server, server]);
  await unitRows(run, { server, dataDir: second, bytes, rss });
  await Promise.all([absent.server.stop(), server.stop()]);
}

/** A server comes back to an index that lacks a tenth. */
async function absenceRow(
  { report, url, memories }: TeamRun,
  dataDir: string,
): Promise<{ readonly server: HttpProcess; readonly memories: number }> {
  const more = memories / 10;
  await withFilled(url, more, 'bench');
  const back = await startReading(dataDir, onDatabase(url), memories + more);
  const budgetMs = 1_000 + (3_000 * more) / 10_000;
  report({
    what: `a server comes back after ${more} memories of others`,
    measured: `${seconds(back.wholeMs)} from its start`,
    budget: seconds(budgetMs),
    reference: `processor time of the server: ${seconds(back.cpuMs)}`,
    ok: back.wholeMs <= budgetMs,
  });
  return { server: back.server, memories: memories + more };
}

async function freshnessRow(
  { report, rounds }: TeamRun,
  [writer, reader]: readonly [HttpProcess, HttpProcess],
): Promise<void> {
  const delays: number[] = [];
  let misses = 0;
  for (let round = 0; round < rounds; round += 1) {
    const word = `fresh${round}q${Math.floor(performance.now())}`;
    await send(writer, '/memory/add', { body: { text: `A note about ${word}` } });
    const start = performance.now();
    for (let found = false; !found;) {
      const { data } = await send(reader, '/search', { body: { query: word, mode: 'keyword' } });
      found = (data['hits'] as unknown[]).length > 0;
      if (!found) misses += 1;
    }
    delays.push(performance.now() - start);
  }
  report({
    what: 'another server finds a write, after its answer, p95',
    measured: `${ms(percentile(delays, 95))}; ${misses} searches did not`,
    budget: '100 ms, all at once',
    reference: `half of the times: ${ms(percentile(delays, 50))}`,
    ok: percentile(delays, 95) <= 100 && misses === 0,
  });
}

interface SearchCost {
  readonly perSecond: number;
  readonly server: number;
  readonly database: number;
}

async function searchCostRow(
  { report, facts, rounds }: TeamRun,
  [first, second]: readonly [HttpProcess, HttpProcess],
): Promise<void> {
  const duration = rounds > 100 ? 8 : 4;
  const cost = async (servers: readonly HttpProcess[]): Promise<SearchCost> => {
    const cpu = (): number => servers.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
    const [before, databaseBefore] = [cpu(), await facts.cpuMs()];
    const loads = await Promise.all(
      servers.map(({ address: url }) =>
        autocannon({ url, connections: 10 / servers.length, duration, requests: keywordSearches() }),
      ),
    );
    const done = loads.reduce((sum, { requests }) => sum + requests.total, 0);
    return {
      perSecond: done / duration,
      server: (cpu() - before) / done,
      database: ((await facts.cpuMs()) - databaseBefore) / done,
    };
  };
  await cost([first]);
  const [one, two] = [await cost([first]), await cost([first, second])];
  const rate = two.perSecond / one.perSecond;
  const ratio = (two.server + two.database) / (one.server + one.database);
  const isRoomy = availableParallelism() >= ENOUGH_CORES;
  const tell = ({ perSecond, server, database }: SearchCost): string =>
    `${perSecond.toFixed(0)}/s, ${server.toFixed(2)} + ${database.toFixed(2)} ms`;
  report({
    what: `keyword searches by two servers, processor time of them + of PostgreSQL for a search`,
    measured: `${tell(two)}, ${isRoomy ? `${rate.toFixed(2)} x the searches` : `${ratio.toFixed(2)} x the time`}`,
    budget: isRoomy
      ? '1.6 x the searches'
      : `1.15 x (${availableParallelism()} cores, too few for twice the rate)`,
    reference: `one server: ${tell(one)}`,
    ok: isRoomy ? rate >= 1.6 : ratio <= 1.15,
  });
}

/** Different searches, so that no cache can answer them. */
function keywordSearches(): autocannon.Request[] {
  const random = randomNumbers(5);
  return Array.from({ length: 200 }, () => ({
    method: 'POST',
    path: '/search',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: randomQuery(random), mode: 'keyword' }),
  }));
}

/** What one memory, one write and one server cost. */
async function unitRows(
  { report, facts, memories, rounds }: TeamRun,
  of: {
    readonly server: HttpProcess;
    readonly dataDir: string;
    readonly bytes: number;
    readonly rss: number;
  },
): Promise<void> {
  const row = (what: string, value: number, { budget, unit }: { budget: number; unit: string }): void => {
    const said = (number: number): string =>
      unit === 'bytes' ? `${Math.round(number)} bytes` : `${number} ${unit}`;
    report({
      ...{ what, measured: said(value), budget: said(budget) },
      reference: unit === 'bytes' ? `a text of ${TEXT_LENGTH} bytes and a vector of 388` : '',
      ok: value <= budget,
    });
  };
  row('PostgreSQL, for a memory', of.bytes, { budget: 2_500, unit: 'bytes' });
  row('index on the disk, for a memory', indexBytes(of.dataDir) / memories, { budget: 2_000, unit: 'bytes' });
  row('resident memory of a server, for a memory', (of.rss * 1_024 ** 2) / memories, {
    budget: (700 * 1_024 ** 2) / memories,
    unit: 'bytes',
  });
  const random = randomNumbers(77);
  const before = await facts.wal();
  for (let round = 0; round < rounds; round += 1)
    await send(of.server, '/memory/add', { body: { text: randomText(random) } });
  row('write-ahead log of PostgreSQL, for an add', ((await facts.wal()) - before) / rounds, {
    budget: 20_000,
    unit: 'bytes',
  });
  row('connections of a server', (await facts.connections()) / 2, { budget: 4, unit: 'connections' });
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`;
}
