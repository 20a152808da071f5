import { expect, test } from 'vitest';
import { RawServer } from '../helpers/mcp/raw-server.ts';
import { temporaryFolder, WITH_MODEL } from '../helpers/mcp/server-environment.ts';
import { runProgram } from '../helpers/run-program.ts';

const SEARCHES = 1_000;
const QUESTIONS = ['favourite hot beverage of Ada', 'who drinks tea', 'what does Ada not like'];

async function startServers(count: number): Promise<RawServer[]> {
  const dataDir = temporaryFolder();
  await runProgram(['add', 'Ada drinks no coffee, only tea'], { dataDir, env: WITH_MODEL });
  const servers: RawServer[] = [];
  for (let index = 0; index < count; index += 1) {
    const server = new RawServer(dataDir, WITH_MODEL);
    await server.initialize();
    expect(await search(server, 0)).toBe('vector');
    servers.push(server);
  }
  return servers;
}

/** Searches by meaning alone. @returns the mode of the answer, or the error */
async function search(server: RawServer | undefined, index: number): Promise<unknown> {
  const query = `${QUESTIONS[index % QUESTIONS.length]} ${index}`;
  const { data, isError, text } = (await server?.call('memory_search', { query, mode: 'vector' })) ?? {};
  return isError === false ? data?.['mode'] : text;
}

test('none of many searches fails although the process with the model is killed, again and again', async () => {
  const servers = await startServers(4);
  const last = servers.slice(2);
  const failures: unknown[] = [];
  let done = 0;
  await Promise.all(
    last.map(async (server) => {
      while (done < SEARCHES) {
        const index = done;
        done += 1;
        // The first server has the model; after it, one of the others.
        if (index === SEARCHES / 4) servers[0]?.child.kill('SIGKILL');
        if (index === SEARCHES / 2) servers[1]?.child.kill('SIGKILL');
        const mode = await search(server, index);
        if (mode !== 'vector') failures.push(mode);
      }
    }),
  );
  expect(failures).toEqual([]);
  expect(done).toBeGreaterThanOrEqual(SEARCHES);
});

test('a process with the model that was stopped keeps no other waiting for long', async () => {
  const [host, other] = await startServers(2);
  host?.child.kill('SIGSTOP');
  expect(await search(other, 1)).toBe('vector');
  host?.child.kill('SIGCONT');
  expect(await search(host, 2)).toBe('vector');
});
