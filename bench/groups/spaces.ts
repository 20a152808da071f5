import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DATABASE_NAME } from '../../src/store/memory-store.ts';
import { filledApp } from '../lib/filled-app.ts';
import { HttpProcess } from '../lib/http-process.ts';
import { percentile } from '../lib/metrics.ts';
import { runProgram } from '../lib/measured-program.ts';
import { ms, type Report } from '../lib/row.ts';
import { type DatabaseFacts, type Folders, onDatabase, send } from '../lib/team-servers.ts';

const MEMORIES = 500;
const TEMPLATE = 'template';
const QUERY = { query: 'w100 w2000', mode: 'hybrid' };

interface Spaces {
  readonly spaces: number;
  readonly active: number;
  /** Where the spaces are; absent = in folders. */
  readonly database?: { readonly url: string; readonly facts: DatabaseFacts };
}

/** Resident memory of one server of a team with many spaces, some of which are in use. */
export async function spaceRows(
  report: Report,
  folders: Folders,
  { spaces, active, database }: Spaces,
): Promise<void> {
  const dataDir = folders.next();
  const where = database === undefined ? 'folders' : 'PostgreSQL';
  const env = {
    ...(database === undefined ? {} : onDatabase(database.url, 'default')),
    ...{ MEMORY_TEAM: 'true', MEMORY_TEAM_PERSON_SPACES: String(spaces + 1), MEMORY_DATA_DIR: dataDir },
    MEMORY_TEAM_OPEN_SPACES: String(active),
  };
  await runProgram(['user', 'add', 'ada'], env);
  const made = await runProgram(['token', 'create', 'ada', '--scope', 'admin'], env);
  const token = String(made.output['token']);
  const filled = await filledApp(MEMORIES, database === undefined ? {} : onDatabase(database.url, TEMPLATE));
  const server = await HttpProcess.start(dataDir, '.', env);
  for (let number = 0; number < spaces; number += 1) {
    await send(server, '/spaces', { token, body: { id: spaceOf(number) } });
    if (database !== undefined) continue;
    const folder = join(dataDir, 'spaces', spaceOf(number));
    mkdirSync(folder, { recursive: true });
    copyFileSync(join(filled.dataDir, DATABASE_NAME), join(folder, DATABASE_NAME));
  }
  await database?.facts.copySpace(
    TEMPLATE,
    Array.from({ length: spaces }, (_, number) => spaceOf(number)),
  );
  await filled.close();
  const search = async (number: number): Promise<number> => {
    const start = performance.now();
    const { data } = await send(server, `/spaces/${spaceOf(number)}/search`, { token, body: QUERY });
    if ((data['hits'] as unknown[]).length === 0) throw new Error(`nothing was found in space ${number}`);
    return performance.now() - start;
  };
  await search(0);
  const one = server.rss;
  const first: number[] = [];
  for (let number = 1; number < active; number += 1) first.push(await search(number));
  const open = server.rss;
  report({
    what: `resident memory, ${active} of ${spaces} spaces of ${MEMORIES} memories open, in ${where}`,
    measured: `${open.toFixed(0)} MB, ${((open - one) / (active - 1)).toFixed(1)} MB a space`,
    budget: '1500 MB',
    reference: `with the model and one space: ${one.toFixed(0)} MB`,
    ok: open <= 1_500,
  });
  for (let number = active; number < spaces; number += 1) await search(number);
  report({
    what: `resident memory after a search in each of ${spaces} spaces, in ${where}`,
    measured: `${server.rss.toFixed(0)} MB; the first search of a space, p50: ${ms(percentile(first, 50))}`,
    budget: '1500 MB',
    reference: `${active} open at once`,
    ok: server.rss <= 1_500,
  });
  await server.stop();
}

function spaceOf(number: number): string {
  return `space-${number}`;
}
