import { setTimeout as delay } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterEach, expect, test } from 'vitest';
import { httpClient } from '../helpers/http-client.ts';
import { runProgram } from '../helpers/run-program.ts';
import { temporaryFolder } from '../helpers/sqlite-store.ts';
import { apiOf } from '../helpers/team.ts';
import { fencedDatabase } from '../helpers/team-on-postgres.ts';
import { digestIn, Replica, TeamLoad, textsIn } from '../helpers/team-load.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

const ROUNDS = 4;
const PEOPLE = ['ada', 'bob', 'carol'];
/** Commits are on the disk when they are acknowledged, as usual. */
const DURABLE: readonly string[] = [];

await describeWithPostgres(
  'faults of the servers of a team on PostgreSQL',
  (server) => {
    const replicas: Replica[] = [];
    afterEach(async () => {
      await Promise.all(replicas.splice(0).map((replica) => replica.stop()));
    });

    /** A program of a person, which stores memories with the SDK and connects anew when its server is gone. */
    async function rememberWithSdk(
      token: string,
      { isOver, acknowledged }: { readonly isOver: () => boolean; readonly acknowledged: Set<string> },
    ): Promise<void> {
      let client: Client | undefined;
      for (let number = 0; !isOver();) {
        const text = `told with the SDK ${number}`;
        try {
          const replica = replicas.find(({ isRunning }) => isRunning && Math.random() < 0.5);
          if (client === undefined && replica !== undefined) {
            client = new Client({ name: 'test', version: '1' });
            const requestInit = { headers: { Authorization: `Bearer ${token}` } };
            await client.connect(
              new StreamableHTTPClientTransport(new URL('/mcp/kitchen', replica.address), { requestInit }),
            );
          }
          const answer = await client?.callTool({ name: 'memory_add', arguments: { text } });
          if (answer !== undefined && answer.isError !== true) {
            acknowledged.add(text);
            number += 1;
          }
        } catch {
          client = undefined;
          await delay(20);
        }
      }
      await client?.close().catch(() => undefined);
    }

    test('lose and double nothing in any space, and leave all servers equal', async () => {
      const { url } = await fencedDatabase(server());
      const env = {
        ...{ MEMORY_TEAM: 'true', MEMORY_STORE: 'postgres', MEMORY_DATABASE_URL: url },
        ...{ MEMORY_HTTP_RATE_LIMIT: '0', MEMORY_HTTP_TOKEN: 'shared-0123456789abcdef' },
      };
      const commands = { dataDir: temporaryFolder(), env };
      const run = async (...args: string[]): Promise<Record<string, unknown>> => {
        const { code, stdout, stderr } = await runProgram([...args, '--json'], commands);
        expect([args, code, code === 0 ? '' : stdout + stderr]).toEqual([args, 0, '']);
        return JSON.parse(stdout) as Record<string, unknown>;
      };
      const tokens = new Map<string, string>();
      for (const person of PEOPLE) {
        await run('user', 'add', person);
        tokens.set(person, String((await run('token', 'create', person))['token']));
      }
      await run('space', 'create', 'kitchen', '--owner', 'ada');
      for (const person of ['bob', 'carol'])
        await run('space', 'grant', 'kitchen', person, '--role', 'writer');
      replicas.push(...[1, 2, 3].map(() => new Replica(env)));
      for (const replica of replicas) await replica.start();
      const tokenOf = (writer: number): string => tokens.get(PEOPLE[writer % PEOPLE.length] ?? '') ?? '';
      // Each person writes into the own space and into the one that they share.
      const load = new TeamLoad(replicas, 2 * PEOPLE.length, {
        headersOf: (writer) => ({ Authorization: `Bearer ${tokenOf(writer)}` }),
        prefixOf: (writer) => (writer < PEOPLE.length ? '' : '/spaces/kitchen'),
      });
      let isOver = false;
      const told = new Set<string>();
      const telling = rememberWithSdk(tokenOf(0), { isOver: () => isOver, acknowledged: told });
      for (let round = 0; round < ROUNDS; round += 1) {
        const victim = replicas[round % replicas.length];
        await load.more(40);
        await server().sql(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'faiss-memory'`,
        );
        await load.more(20);
        await (round % 2 === 0 ? victim?.kill() : victim?.lose());
        await load.more(20);
        await server().crash();
        await delay(Math.random() * 500);
        await server().begin();
        await victim?.start();
      }
      await load.more(40);
      await load.stop();
      isOver = true;
      await telling;
      const ada = replicas.map(({ address }) => ({ api: apiOf(address, tokenOf(0)) }));
      const before = performance.now();
      const differing = async (): Promise<number> => {
        const digests = await Promise.all(
          ['', '/spaces/kitchen'].map(async (prefix) => {
            const all = await Promise.all(ada.map((caller) => digestIn(caller, prefix)));
            return new Set(all.map((digest) => JSON.stringify(digest))).size;
          }),
        );
        return Math.max(...digests);
      };
      await expect.poll(differing, { timeout: 10_000 }).toBe(1);
      const equalAfterMs = performance.now() - before;
      for (const { address } of replicas) {
        const places = [
          ...PEOPLE.map((_, writer) => ({ token: tokenOf(writer), prefix: '' })),
          { token: tokenOf(0), prefix: '/spaces/kitchen' },
        ];
        const found = await Promise.all(
          places.map(({ token, prefix }) => textsIn({ api: apiOf(address, token) }, prefix)),
        );
        for (const texts of found) expect(new Set(texts).size).toBe(texts.length);
        const texts = new Set(found.flat());
        expect([...load.acknowledged, ...told].filter((text) => !texts.has(text))).toEqual([]);
      }
      // A role that is taken away counts on all servers.
      await run('space', 'revoke', 'kitchen', 'bob');
      const statuses = (): Promise<number[]> =>
        Promise.all(
          replicas.map(
            async ({ address }) =>
              (
                await httpClient(address, { Authorization: `Bearer ${tokenOf(1)}` }).get(
                  '/spaces/kitchen/memories',
                )
              ).status,
          ),
        );
      await expect.poll(statuses, { timeout: 3_000, interval: 50 }).toEqual([404, 404, 404]);
      expect(told.size).toBeGreaterThan(5);
      // For the record of a run.
      console.log(
        `${load.acknowledged.size} + ${told.size} writes acknowledged, ${load.refused} refused, equal after ${Math.round(equalAfterMs)} ms`,
      );
    });
  },
  DURABLE,
);
