import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { launchServer, type RunningHttpServer } from './http-server.ts';
import { runProgram } from './run-program.ts';
import type { PostgresServer } from './servers/postgres.ts';
import { SHARED_TOKEN, startTeam, type TestTeam } from './team.ts';

const execute = promisify(execFile);

export interface TeamOnPostgres extends TestTeam {
  /** Of the role of the servers. */
  readonly url: string;
  /** Of the owner of the tables. */
  readonly ownerUrl: string;
  readonly env: Readonly<Record<string, string>>;
  /** One more server of the team; stopped when the test has finished. */
  replica(): Promise<RunningHttpServer>;
  /** Every row of every table, as text. */
  everything(): Promise<string>;
}

/** A database whose tables an owner has made, and whose servers have a role of their own with a fence between spaces. */
export async function fencedDatabase(server: PostgresServer): Promise<{ url: string; ownerUrl: string }> {
  const ownerUrl = await server.createDatabase();
  const folder = mkdtempSync(join(tmpdir(), 'faiss-memory-owner-'));
  const env = { MEMORY_STORE: 'postgres', MEMORY_DATABASE_URL: ownerUrl };
  const { code, stderr } = await runProgram(['stats'], { dataDir: folder, env });
  if (code !== 0) throw new Error(`the tables were not made: ${stderr}`);
  rmSync(folder, { recursive: true, force: true });
  const database = ownerUrl.split('/').at(-1) ?? '';
  await server.sql(
    `DO $$ BEGIN CREATE ROLE memory_app LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
     GRANT USAGE ON SCHEMA faiss_memory TO memory_app;
     GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA faiss_memory TO memory_app;
     REVOKE INSERT, UPDATE, DELETE ON faiss_memory.schema_version FROM memory_app;`,
    ownerUrl,
  );
  await execute('psql', [ownerUrl, '-v', 'ON_ERROR_STOP=1', '-q', '-f', 'docs/row-level-security.sql']);
  return { ownerUrl, url: server.url(database, 'memory_app') };
}

export async function startTeamOnPostgres(
  server: PostgresServer,
  more: Readonly<Record<string, string>> = {},
): Promise<TeamOnPostgres> {
  const { url, ownerUrl } = await fencedDatabase(server);
  const env = { MEMORY_STORE: 'postgres', MEMORY_DATABASE_URL: url, MEMORY_HTTP_RATE_LIMIT: '0', ...more };
  const team = await startTeam(env);
  const replica = async (): Promise<RunningHttpServer> => {
    const another = await launchServer({
      env: { MEMORY_TEAM: 'true', MEMORY_HTTP_TOKEN: SHARED_TOKEN, ...env },
    });
    onTestFinished(async () => {
      await another.stop();
    });
    return another;
  };
  const everything = async (): Promise<string> => {
    const tables = await server.sql(
      `SELECT tablename FROM pg_tables WHERE schemaname = 'faiss_memory'`,
      ownerUrl,
    );
    const rows = await Promise.all(
      tables.map(({ tablename }) =>
        server.sql(`SELECT t::text FROM faiss_memory.${String(tablename)} t`, ownerUrl),
      ),
    );
    return JSON.stringify(rows);
  };
  return { ...team, url, ownerUrl, env, replica, everything };
}
