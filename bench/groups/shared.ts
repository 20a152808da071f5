import { setTimeout as sleep } from 'node:timers/promises';
import { randomNumbers, randomQuery, VECTORS_ONLY } from '../lib/filled-app.ts';
import { runProgram } from '../lib/measured-program.ts';
import { percentile } from '../lib/metrics.ts';
import { ms, type Report, times } from '../lib/row.ts';
import { bareNode, ServerProcess } from '../lib/server-process.ts';

const SERVERS = 4;
const ROUNDS = 9;
const PAUSE_MS = 1_000;
const MEMORY_BUDGET_MB = 600;
const OTHER_BUDGET_MS = 60;
const COMMAND_BUDGET_MS = 250;

const median = (values: readonly number[]): number => percentile(values, 50);

/** Several servers and a command on one data folder, whose processes share one model. */
export async function sharedRows(
  report: Report,
  { dataDir, memories }: { readonly dataDir: string; readonly memories: number },
): Promise<void> {
  const env = { ...VECTORS_ONLY, MEMORY_DATA_DIR: dataDir, MEMORY_EMBEDDING_RUNTIME: 'wasm' };
  const random = randomNumbers(17);
  const search = (server: ServerProcess): Promise<unknown> =>
    server.call('memory_search', { query: randomQuery(random) });
  const servers = Array.from({ length: SERVERS }, () => new ServerProcess(env));
  const [first, ...others] = servers;
  await Promise.all(servers.map((server) => server.initialize()));
  await first?.call('memory_search', { query: randomQuery(random), mode: 'vector' });
  const firsts: number[] = [];
  for (const server of others) {
    // A first call, for example of the statistics, and the time until a model says something else.
    await server.call('memory_stats', {});
    await sleep(PAUSE_MS);
    firsts.push(...(await times(1, () => search(server))));
  }
  const otherFirst = median(firsts);
  for (const server of servers) await times(5, () => search(server));
  const resident = servers.reduce((sum, { rss }) => sum + rss, 0);
  const command = median(await times(ROUNDS, () => runProgram(['search', randomQuery(random)], env)));
  const bare: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) bare.push(await bareNode());
  await Promise.all(servers.map((server) => server.end()));
  const of = `${memories} memories`;
  report({
    what: `${SERVERS} servers that all searched by meaning, ${of}, resident memory of all`,
    measured: `${resident.toFixed(0)} MB`,
    budget: `${MEMORY_BUDGET_MB} MB`,
    reference: '',
    ok: resident <= MEMORY_BUDGET_MB,
  });
  report({
    what: `first hybrid search of another server, median of ${others.length}, ${of}`,
    measured: ms(otherFirst),
    budget: ms(OTHER_BUDGET_MS),
    reference: '',
    ok: otherFirst <= OTHER_BUDGET_MS,
  });
  report({
    what: `search of the command line beside them, ${of}`,
    measured: `${ms(command)}, ${(command / median(bare)).toFixed(1)} x`,
    budget: ms(COMMAND_BUDGET_MS),
    reference: `node -e 0: ${ms(median(bare))}`,
    ok: command <= COMMAND_BUDGET_MS,
  });
}
