import { onTestFinished } from 'vitest';
import { type HttpClient, httpClient } from './http-client.ts';
import { launchServer, type RunningHttpServer } from './http-server.ts';
import { type ProgramRun, runProgram } from './run-program.ts';

export interface TestPerson {
  readonly id: string;
  readonly token: string;
  readonly api: HttpClient;
}

export interface TestTeam {
  readonly server: RunningHttpServer;
  /** Folder of `team.db` and of the spaces. */
  readonly memories: string;
  /** Runs a command on the machine of the server; its JSON. Fails when the command does. */
  run(...args: string[]): Promise<Record<string, unknown>>;
  /** The same, which may fail. */
  tryRun(...args: string[]): Promise<ProgramRun>;
  /** Adds a person with a token. @param scope default admin */
  join(id: string, scope?: 'read' | 'write' | 'admin'): Promise<TestPerson>;
  /** Another token of a person. */
  tokenOf(id: string, ...options: string[]): Promise<string>;
}

export const SHARED_TOKEN = 'shared-0123456789abcdef';

/** A real server of a team; stopped when the test has finished. */
export async function startTeam(
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<TestTeam> {
  const team = await launchTeam(env, args);
  onTestFinished(async () => {
    await team.server.stop();
  });
  return team;
}

/** The same for hooks: who calls it stops the server. */
export async function launchTeam(
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<TestTeam> {
  const server = await launchServer({
    args,
    env: { MEMORY_TEAM: 'true', MEMORY_HTTP_TOKEN: SHARED_TOKEN, ...env },
  });
  const tryRun = (...args: string[]): Promise<ProgramRun> =>
    runProgram([...args, '--json'], { dataDir: server.dataDir, env: { MEMORY_TEAM: 'true', ...env } });
  const run = async (...args: string[]): Promise<Record<string, unknown>> => {
    const { code, stdout, stderr } = await tryRun(...args);
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${String(code)}: ${stdout}${stderr}`);
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  const tokenOf = async (id: string, ...options: string[]): Promise<string> =>
    String((await run('token', 'create', id, ...options))['token']);
  const join = async (id: string, scope = 'admin'): Promise<TestPerson> => {
    await run('user', 'add', id);
    const token = await tokenOf(id, '--scope', scope);
    return { id, token, api: apiOf(server.address, token) };
  };
  return { server, memories: `${server.dataDir}/memories`, run, tryRun, join, tokenOf };
}

export function apiOf(address: string, token: string): HttpClient {
  return httpClient(address, { Authorization: `Bearer ${token}` });
}

/** Stores a text in the space that the prefix names. @returns its id */
export async function addMemory(api: HttpClient, text: string, prefix = ''): Promise<string> {
  const answer = await api.post(`${prefix}/memory/add`, { text });
  if (answer.status >= 300) throw new Error(answer.text);
  return String(answer.data['id']);
}
