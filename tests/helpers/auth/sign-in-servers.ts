import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../run-program.ts';
import { freePort } from '../servers/free-port.ts';
import type { PostgresServer } from '../servers/postgres.ts';
import { type RoundRobin, startRoundRobin } from '../servers/round-robin.ts';
import { Replica } from '../team-load.ts';
import { addAccount, PERSON } from './sign-in-server.ts';

export const SECRET = '0123456789abcdef0123456789abcdef';

export interface SignInServers {
  readonly balancer: RoundRobin;
  readonly replicas: readonly Replica[];
  readonly env: Readonly<Record<string, string>>;
  readonly database: string;
  /** Of a machine without a server. */
  readonly elsewhere: string;
  /** A command on another machine: it has the settings, and no file of a server. */
  run(...args: string[]): ReturnType<typeof runProgram>;
}

/** Servers behind a load balancer on an empty database, all started at the same moment, with one account. */
export async function startSignInServers(
  server: PostgresServer,
  kinds: readonly Readonly<Record<string, string>>[],
): Promise<SignInServers> {
  const database = await server.createDatabase();
  const balancer = await startRoundRobin(await freePort());
  const env = {
    MEMORY_STORE: 'postgres',
    MEMORY_DATABASE_URL: database,
    MEMORY_HTTP_RATE_LIMIT: '0',
    MEMORY_AUTH: 'embedded',
    MEMORY_AUTH_SECRET: SECRET,
    MEMORY_PUBLIC_URL: balancer.address,
  };
  const replicas = kinds.map((kind) => new Replica({ ...env, ...kind }));
  await Promise.all(replicas.map((replica) => replica.start()));
  balancer.servers = replicas.map(({ address }) => address);
  const elsewhere = mkdtempSync(join(tmpdir(), 'faiss-memory-elsewhere-'));
  await addAccount(elsewhere, PERSON, [], env);
  return {
    ...{ balancer, replicas, env, database, elsewhere },
    run: (...args) => runProgram([...args, '--json'], { dataDir: elsewhere, env }),
  };
}

export async function stopSignInServers({ balancer, replicas, elsewhere }: SignInServers): Promise<void> {
  rmSync(elsewhere, { recursive: true, force: true });
  await balancer.close();
  await Promise.all(replicas.map((replica) => replica.stop()));
}
