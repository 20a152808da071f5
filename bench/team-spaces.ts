// Measures a server of a team on PostgreSQL with many spaces: resident memory, and the cost of opening one.
//   node scripts/run-ts.mjs bench/team-spaces.ts [spaces] [memories of each]
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchServer, type RunningHttpServer } from '../tests/helpers/http-server.ts';
import { findPostgres, PostgresServer } from '../tests/helpers/servers/postgres.ts';
import { apiOf, SHARED_TOKEN } from '../tests/helpers/team.ts';

const spaces = Number(process.argv[2] ?? 1_000);
const memories = Number(process.argv[3] ?? 500);
const OPEN = 200;
const WORDS = 'harbour lantern orbit maple thunder velvet quartz meadow signal copper ribbon falcon'.split(
  ' ',
);
const TABLES = ['space', 'entry', 'memory_state', 'version', 'embedding', 'note'];

const programs = await findPostgres();
if (programs === null) throw new Error('PostgreSQL is not installed');
const postgres = await PostgresServer.start(programs);
const url = await postgres.createDatabase();
const folder = mkdtempSync(join(tmpdir(), 'faiss-memory-bench-spaces-'));
const env = {
  ...{ MEMORY_TEAM: 'true', MEMORY_STORE: 'postgres', MEMORY_DATABASE_URL: url },
  ...{ MEMORY_HTTP_RATE_LIMIT: '0', MEMORY_HTTP_TOKEN: SHARED_TOKEN, MEMORY_TOKEN_VECTORS: 'false' },
  ...{ MEMORY_TEAM_OPEN_SPACES: String(OPEN), MEMORY_EMBEDDING_PROVIDER: 'bundled' },
};

function start(name: string): Promise<RunningHttpServer> {
  return launchServer({ dataDir: join(folder, name), env });
}

function textOf(number: number): string {
  const word = (step: number): string => WORDS[(number * step + (number >> step)) % WORDS.length] ?? '';
  return `Fact ${number}: the ${word(3)} beside the ${word(5)} is about ${word(7)} and ${word(11)}`;
}

/** Fills the space `default`, with vectors, and copies its rows to the personal spaces of many people. @returns their tokens */
async function fill(): Promise<string[]> {
  const server = await start('fill');
  const api = apiOf(server.address, SHARED_TOKEN);
  const lines = Array.from({ length: memories }, (_, n) => JSON.stringify({ text: textOf(n) })).join('\n');
  await api.send('/import', {
    ...{ method: 'POST', body: lines },
    headers: { Authorization: `Bearer ${SHARED_TOKEN}`, 'Content-Type': 'application/x-ndjson' },
  });
  for (let pending = 1; pending > 0;) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    pending = ((await api.get('/stats')).data['embedding'] as { pending: number }).pending;
  }
  await server.stop();
  const tokens = Array.from(
    { length: spaces },
    (_, n) => `fm_${String(n).padStart(10, '0')}_${randomBytes(32).toString('base64url')}`,
  );
  const hashes = tokens.map((token) => createHash('sha256').update(token).digest('hex'));
  const each = `generate_series(0, ${spaces - 1}) AS n`;
  await postgres.sql(
    `INSERT INTO faiss_memory.team_person SELECT 'p' || n, 'p', 'p' || n, 1 FROM ${each};
     INSERT INTO faiss_memory.team_space SELECT 'p' || n, 'p', 'personal', 1, NULL FROM ${each};
     INSERT INTO faiss_memory.team_member SELECT 'p' || n, 'p' || n, 'owner' FROM ${each};
     INSERT INTO faiss_memory.team_token SELECT 'fm_' || lpad((n - 1)::text, 10, '0'), 'p' || (n - 1), 'x', decode(hash, 'hex'), 'write', 1, NULL, NULL
       FROM unnest(ARRAY['${hashes.join("','")}']) WITH ORDINALITY AS t(hash, n);`,
    url,
  );
  for (const table of TABLES) {
    const column = table === 'space' ? 'id' : 'space';
    const columns = await postgres.sql(
      `SELECT string_agg(CASE column_name WHEN '${column}' THEN '''p'' || n' ELSE column_name END, ', ' ORDER BY ordinal_position) AS list
       FROM information_schema.columns WHERE table_schema = 'faiss_memory' AND table_name = '${table}'`,
      url,
    );
    await postgres.sql(
      `INSERT INTO faiss_memory.${table} SELECT ${String(columns[0]?.['list'])} FROM faiss_memory.${table}, ${each} WHERE ${column} = 'default'`,
      url,
    );
  }
  await postgres.sql('ANALYZE', url);
  return tokens;
}

function usage({ child }: RunningHttpServer): { megabytes: number; cpuSeconds: number } {
  const status = readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8');
  const times =
    readFileSync(`/proc/${child.pid ?? 0}/stat`, 'utf8')
      .split(') ')[1]
      ?.split(' ') ?? [];
  return {
    megabytes: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024),
    cpuSeconds: (Number(times[11]) + Number(times[12])) / 100,
  };
}

async function searchAll(server: RunningHttpServer, tokens: readonly string[]): Promise<void> {
  for (const [n, token] of tokens.entries()) {
    const { status, data } = await apiOf(server.address, token).post('/search', {
      query: textOf(n % memories),
    });
    if (status !== 200 || (data['hits'] as unknown[]).length === 0) throw new Error(`no hits: ${status}`);
  }
}

async function statements(): Promise<number> {
  const [row] = await postgres.sql(
    `SELECT xact_commit::integer AS count FROM pg_stat_database WHERE datname = '${url.split('/').at(-1) ?? ''}'`,
  );
  return Number(row?.['count']);
}

const tokens = await fill();
const [size] = await postgres.sql('SELECT pg_size_pretty(pg_database_size(current_database())) AS size', url);
console.log(
  `${spaces} spaces of ${memories} memories with vectors; the database has ${String(size?.['size'])}`,
);
const server = await start('replica');
const show = (what: string, before = { cpuSeconds: 0 }): ReturnType<typeof usage> => {
  const now = usage(server);
  console.log(
    `${what}: ${now.megabytes} MB, ${(now.cpuSeconds - before.cpuSeconds).toFixed(1)} s of processor time`,
  );
  return now;
};
let last = show('after its start');
await searchAll(server, tokens.slice(0, 1));
last = show('with the model and one space', last);
await searchAll(server, tokens.slice(0, OPEN));
last = show(`${OPEN} spaces, each searched once`, last);
await searchAll(server, tokens.slice(0, OPEN));
last = show('the same again', last);
const before = await statements();
await new Promise((resolve) => setTimeout(resolve, 20_000));
console.log(
  `transactions a second of ${OPEN} open spaces that nobody uses: ${((await statements()) - before) / 20}`,
);
last = show('after these 20 s', last);
const [connections] = await postgres.sql(
  `SELECT count(*)::integer AS count FROM pg_stat_activity WHERE application_name = 'faiss-memory'`,
);
console.log(`connections: ${String(connections?.['count'])}`);
await searchAll(server, tokens);
show(`after a search in each of ${spaces} spaces`, last);
await server.stop();
await postgres.stop();
rmSync(folder, { recursive: true, force: true });
